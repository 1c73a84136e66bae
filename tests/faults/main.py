"""The command: which faults, at which size, with which seed; run, print, keep.

Does not know: how anything is broken or judged.
"""

import argparse
import asyncio
import gc
import sys
from dataclasses import replace

from tests.faults import page
from tests.faults.faults import FAULTS, Fault
from tests.faults.lanes import run_one
from tests.faults.run import Run
from tests.support.process import Process, end_all


def main() -> None:
    """Exit code: 0 all held, 1 something did not, 2 wrong usage."""
    options = _parser().parse_args()
    chosen = [fault for fault in FAULTS if options.only in fault.name]
    if not chosen:
        sys.exit(f"faults: none is named {options.only!r}: {', '.join(fault.name for fault in FAULTS)}")
    rows: dict[str, str] = {}
    failed = False
    gc.disable()  # a collection here would be seen as a delay of what is measured
    for fault in chosen:
        gc.collect()
        run = _run(fault, options)
        failed = failed or bool(run.failures)
        rows[fault.name] = page.row(fault, run)
        if options.write:
            page.keep(rows)
    sys.exit(1 if failed else 0)


def _run(fault: Fault, options: argparse.Namespace) -> Run:
    size = fault.full if options.full else fault.small
    if options.times:
        size = replace(size, times=options.times)
    try:
        run = asyncio.run(run_one(fault, options.seed, size))
    finally:
        end_all(list(Process.living))  # also after an interrupt
    print(run.told(), *(f"  FAILED: {line}" for line in run.failures), sep="\n", flush=True)
    if run.failures and options.logs:
        print(run.logs, file=sys.stderr)
    return run


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.faults", description="What holds when parts die.")
    parser.add_argument("--full", action="store_true", help="full sizes: more than an hour, on a machine left alone")
    parser.add_argument("--only", default="", metavar="WORDS", help="only faults whose name contains this")
    parser.add_argument("--seed", type=int, default=1, help="decides every choice of the harness (1)")
    parser.add_argument("--times", type=int, default=0, help="strike so often instead")
    parser.add_argument("--write", action="store_true", help="keep the figures in docs/guarantees.md")
    parser.add_argument("--logs", action="store_true", help="show what the processes said when something failed")
    return parser
