"""bench/README.md keeps the figures of the last full run between two markers.

Invariant: nothing outside the markers changes.
Does not know: what stands between them.
"""

from __future__ import annotations

from pathlib import Path

README = Path(__file__).with_name("README.md")
_BEGIN = "<!-- figures: written by `python -m bench --write` -->\n"
_END = "<!-- end of figures -->\n"


def with_figures(page: str, figures: str) -> str:
    """The page with these figures in place of those before. Raises ValueError without both markers."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {_BEGIN.strip()!r} and {_END.strip()!r}")
    return f"{before}{begin}\n{figures}\n\n{end}{after}"


def keep(figures: str) -> None:
    """Write them into the README."""
    README.write_text(with_figures(README.read_text(), figures))
