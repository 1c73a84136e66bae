"""Draws the lifecycle into `docs/protocol.md`: `python docs/lifecycle.py`, or `--check` to compare only."""

import re
import sys
from pathlib import Path

from streamlog.lifecycle import diagram

PAGE = Path(__file__).with_name("protocol.md")
PLACE = re.compile(r"(?<=<!-- lifecycle -->\n).*(?=<!-- end of lifecycle -->)", re.DOTALL)

if __name__ == "__main__":
    text = PAGE.read_text()
    drawn, places = PLACE.subn(lambda _: f"```mermaid\n{diagram()}\n```\n", text)
    if places != 1:
        sys.exit("docs/protocol.md has no place for the lifecycle")
    if "--check" in sys.argv:
        sys.exit(0 if drawn == text else "docs/protocol.md is not what `make docs` writes")
    PAGE.write_text(drawn)
