"""`python -m tests.faults`: break things, print what held; `--write` keeps the figures in docs/guarantees.md."""

from tests.faults.main import main

if __name__ == "__main__":
    main()
