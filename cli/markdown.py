"""Markdown that is still being written: what of it stands for good, and how the rest looks before it is whole.

Invariant: what is called finished is never changed by what comes later, so it may be printed once and left alone.
Does not know: terminals.
"""

import re
from itertools import pairwise

from markdown_it import MarkdownIt

_PARSER = MarkdownIt().enable("strikethrough").enable("table")  # as rich reads it
_FENCE = re.compile(r"^[ \t>]*(?:`{3,}|~{3,})", re.MULTILINE)
_MARK = re.compile(r"\\.|`+|\*\*|__|~~|\*|(?<!\w)_|_(?!\w)")
_HALF = re.compile(r"(?:[*_`~]{1,3}|!?\[[^\]\n]{0,80}|!?\[[^\]\n]*\]\([^)\s]*)$")
_HALF_MOST = 1000  # letters of a half-written mark; a search through more would take the square of their number


def split(text: str) -> tuple[list[str], str]:
    """The finished blocks, and the rest.

    A block is finished when another one has begun after it in a line that is whole: the beginning of a line may look
    like what it is not (`#` of `#tag`, `1.` of `1.5`).
    """
    whole, end, begun = text.rpartition("\n")
    *finished, last = blocks(whole + end)
    return finished, last + begun


def blocks(text: str) -> list[str]:
    """Its outermost blocks, at least one; joined they are the text."""
    tokens = _PARSER.parse(text)
    starts = [token.map[0] for token in tokens if token.level == 0 and token.nesting >= 0 and token.map]
    lines = text.split("\n")
    bounds = [0, *starts[1:], len(lines)]
    parts = ["\n".join(lines[start:end]) for start, end in pairwise(bounds)]
    return [part + "\n" for part in parts[:-1]] + parts[-1:]


def presentable(text: str) -> str:
    """An unfinished block as it is going to look: a mark that was opened is closed, one that is half written waits."""
    if len(_FENCE.findall(text)) % 2:
        return text  # inside code, a mark is a letter
    head, end, last = text.rpartition("\n")
    last = last[:-_HALF_MOST] + _HALF.sub("", last[-_HALF_MOST:])
    return head + end + last.rstrip() + _closers(last)


def _closers(line: str) -> str:
    """The marks that are open at the end of a line, innermost first."""
    opened: list[str] = []
    for found in _MARK.finditer(line):
        mark, follows = found[0], line[found.end() : found.end() + 1]
        if mark in opened:
            del opened[opened.index(mark) :]
        elif not (opened and opened[-1][0] == "`") and mark[0] != "\\" and follows.strip():
            opened.append(mark)
    return "".join(reversed(opened))
