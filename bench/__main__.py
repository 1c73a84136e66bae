"""`python -m bench`: measure, print the figures, and with `--write` keep them in bench/README.md."""

from bench.main import main

if __name__ == "__main__":
    main()
