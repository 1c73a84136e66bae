"""A room for tests: writes its life into a diary, answers `/readyz` on a port if it has one, ends as it is told.

Usage: fake_room.py NAME DIARY [--port N] [--stubborn] [--exit CODE] [--child]. Standard library only.
"""

import argparse
import http.server
import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("diary")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stubborn", action="store_true", help="SIGTERM does not end it")
    parser.add_argument("--exit", type=int, help="leave at once with this code")
    parser.add_argument("--child", action="store_true", help="start a child that holds its output open, too")
    given = parser.parse_args()

    def note(what: object) -> None:
        with open(given.diary, "a") as diary:
            diary.write(f"{given.name} {what}\n")

    ended = threading.Event()

    def on_signal(number: int, _: object) -> None:
        note(signal.Signals(number).name)
        if not given.stubborn:
            ended.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, on_signal)
    if given.child:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        note(f"child {child.pid}")
    if given.port:
        server = http.server.HTTPServer(("127.0.0.1", given.port), _Ready)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    note(f"started {os.getpid()}")
    print(f"{given.name} says hello", flush=True)
    if given.exit is not None:
        sys.exit(given.exit)
    while not ended.wait(0.02):  # a plain wait would let no signal handler run
        pass
    note("ended")


class _Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"ready": true, "workers": 1}'
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


if __name__ == "__main__":
    main()
