"""The command line: read the options, listen, stop on a signal."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable

import uvloop

from simulator.choice import Pace
from simulator.page import scenario_tables
from simulator.scenario import PACE_PARAMETERS, WrongWords
from simulator.server import Simulator

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def main(argv: list[str] | None = None) -> None:
    """Run the simulator until SIGTERM or SIGINT, then return at once, open streams cut.

    `argv` are the words behind the program's name, those of the process without it. Raises SystemExit for wrong
    options (2) and for an address that is taken (1).
    """
    options = _parser().parse_args(argv)
    if options.scenarios:
        print(scenario_tables())
        return
    pace = Pace(options.first_token_ms, options.tokens_per_second)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(options.host, options.port, pace))


async def _serve(host: str, port: int, pace: Pace) -> None:
    stopped = asyncio.Event()
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    simulator = Simulator(host, port, pace)
    try:
        await simulator.start()
    except OSError as error:
        sys.exit(f"simulator: cannot listen on {host}:{port}: {error}")
    print(f"simulator: {simulator.base_url}", flush=True)
    await stopped.wait()
    await simulator.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="Speaks Claude's Messages API without a model.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 takes a free one")
    usual = Pace()
    parser.add_argument("--first-token-ms", type=_bounded("first-token-ms"), default=usual.first_token_ms)
    parser.add_argument(
        "--tokens-per-second", type=_bounded("tps"), default=usual.tokens_per_second, help="0 for no pace"
    )
    parser.add_argument("--scenarios", action="store_true", help="print the scenarios and leave")
    return parser


def _bounded(name: str) -> Callable[[str], float]:
    parameter = PACE_PARAMETERS[name]

    def read(text: str) -> float:
        try:
            return float(parameter.read(name, text) or 0)
        except WrongWords as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
