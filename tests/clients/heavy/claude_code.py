"""Claude Code in print mode: one prompt a process, in a home of its own, told to speak to nobody but its base URL.

Invariant: an outcome is what the process prints and how it exits, with addresses taken out.
Does not know: what it asks for; a case's body gives no more than the prompt, the model and the system prompt.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.python.speaking import KEY, Asked, Outcome

CLAUDE = Path(__file__).resolve().parent / "node_modules" / ".bin" / "claude"
_AT_ONCE = 2  # each takes half a second of a core to start
_LIMIT_S = 60.0
_ALONE = {
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",  # it would tell its home in the prompt
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_TELEMETRY": "1",
}
_WHOLE = ("--output-format", "json")
_STREAMED = ("--output-format", "stream-json", "--verbose", "--include-partial-messages")

Json = dict[str, Any]


def _environment(asked: Asked, home: str) -> dict[str, str]:
    key = "ANTHROPIC_AUTH_TOKEN" if asked.get("auth") == "bearer" else "ANTHROPIC_API_KEY"
    headers = "\n".join(f"{name}: {value}" for name, value in asked.get("headers", {}).items())
    metadata = {name: value for name, value in asked["body"].items() if name == "metadata"}
    return _ALONE | {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "ANTHROPIC_BASE_URL": asked["base_url"],
        "ANTHROPIC_CUSTOM_HEADERS": headers,
        "CLAUDE_CODE_EXTRA_BODY": json.dumps(metadata),
        "CLAUDE_CODE_MAX_RETRIES": str(asked.get("max_retries", 0)),
        key: KEY,
    }


@contextmanager
def _process(asked: Asked, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """It is running, with a limit to its life; it has ended behind the block."""
    body = asked["body"]
    system = ("--append-system-prompt", body["system"]) if "system" in body else ()
    tools = ("--tools", "Read" if asked["kind"] == "tool_loop" else "")
    command = [str(CLAUDE), "-p", body["messages"][-1]["content"], "--model", body["model"], *tools, *system, *options]
    with tempfile.TemporaryDirectory(prefix="claude-") as home:
        child = subprocess.Popen(
            command,
            cwd=asked["workplace"],
            env=_environment(asked, home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it says there that it does not know the model
        )
        limit = threading.Timer(_LIMIT_S, child.kill)
        limit.start()
        try:
            yield child
            child.wait()
        finally:
            limit.cancel()
            child.kill()
            child.wait()


def _lines(child: subprocess.Popen[bytes]) -> Iterator[Json]:
    """Its lines of JSON. What is none is for people; it is raised, because nothing should be."""
    assert child.stdout is not None
    for line in child.stdout:
        yield json.loads(line)


def _show(result: Json, code: int, asked: Asked, outcome: Outcome) -> None:
    text = result["result"].replace(asked["base_url"].removeprefix("http://"), "its address")
    outcome |= {"exit": code, "turns": result["num_turns"], "usage": result["usage"], "cost": result["total_cost_usd"]}
    outcome |= {"stop_reason": result["stop_reason"], "subtype": result["subtype"], "end": result["terminal_reason"]}
    if result["is_error"]:
        outcome["error"] = {"class": result["subtype"], "status": result["api_error_status"], "message": text}
    else:
        outcome["text"] = text


def _message(asked: Asked, outcome: Outcome) -> None:
    with _process(asked, *_WHOLE) as child:
        (result,) = _lines(child)
    _show(result, child.returncode, asked, outcome)


def _stream(asked: Asked, outcome: Outcome) -> None:
    outcome |= {"text": "", "pieces": 0, "events": [], "tools": []}
    with _process(asked, *_STREAMED) as child:
        for line in _lines(child):
            _hear(line, outcome)
            if line["type"] == "result":
                result = line
    _show(result, child.returncode, asked, outcome)


def _hear(line: Json, outcome: Outcome) -> None:
    if line["type"] == "assistant":
        blocks = line["message"]["content"]
        outcome["tools"] += [
            {"name": one["name"], "input": one["input"]} for one in blocks if one["type"] == "tool_use"
        ]
    if line["type"] != "stream_event":
        return
    event = line["event"]
    outcome["events"].append(event["type"])
    if event.get("delta", {}).get("type") == "text_delta":
        outcome["text"] += event["delta"]["text"]
        outcome["pieces"] += 1


def _cancel(asked: Asked, outcome: Outcome) -> None:
    """Ctrl-C, as soon as so many pieces were printed."""
    part: Outcome = {"text": "", "pieces": 0, "events": [], "tools": []}
    with _process(asked, *_STREAMED) as child:
        for line in _lines(child):
            _hear(line, part)
            if part["pieces"] == asked["after"]:
                outcome["text"] = part["text"]
                child.send_signal(signal.SIGINT)
                break
        child.communicate()
    outcome["exit"] = child.returncode


_KINDS = {"message": _message, "stream": _stream, "tool_loop": _stream, "cancel": _cancel}


def _played(asked: Asked) -> str:
    outcome: Outcome = {}
    try:
        _KINDS[asked["kind"]](asked, outcome)
    except Exception as error:
        outcome["error"] = {"class": type(error).__name__, "message": str(error)}
    return json.dumps({"id": asked["id"], "outcome": outcome})


if __name__ == "__main__":
    # One empty directory for all to work in: its name is in the prompt.
    with tempfile.TemporaryDirectory(prefix="claude-") as workplace, ThreadPoolExecutor(_AT_ONCE) as pool:
        cases = json.load(sys.stdin)["cases"]
        for told in pool.map(_played, ({**case, "workplace": workplace} for case in cases)):
            print(told, flush=True)
