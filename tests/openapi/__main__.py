"""`python -m tests.openapi --cases 10000`: schemathesis at full size, and how often each call had which answer."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.openapi.fuzzing import SEED, Outcome, asked_cluster, fuzz, left_behind
from tests.support.cluster import Ground


def main() -> None:
    """Exit code: 0 no check failed and nothing is left behind, 1 otherwise, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="tests.openapi", description="The gateway against its own document.")
    parser.add_argument("--cases", type=int, default=10_000, help="for each endpoint (10000)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"decides every case ({SEED})")
    options = parser.parse_args()
    ground = Ground()
    try:
        with asked_cluster(ground) as asked, tempfile.TemporaryDirectory() as directory:
            outcome = fuzz(asked, Path(directory), options.cases, options.seed)
            left = left_behind(asked)
    finally:
        ground.close()
    _tell(outcome, left)
    sys.exit(1 if outcome.exit_code or left else 0)


def _tell(outcome: Outcome, left: list[str]) -> None:
    print(outcome.said)
    for operation, answers in sorted(outcome.tally.items()):
        counts = ", ".join(f"{number:,} x {status}" for status, number in sorted(answers.items()))
        print(f"{operation}: {sum(answers.values()):,} ({counts})")
    for line in left:
        print(f"LEFT BEHIND: {line}")


if __name__ == "__main__":
    main()
