"""One block of Markdown as rich shows it, without rich's empty lines around it.

Invariant: links show where they lead, since what is hidden behind a word may be anything; no control character comes
out, whatever the text decodes to.
Does not know: other blocks.
"""

from typing import ClassVar

from rich.console import Console, ConsoleOptions, JustifyMethod, RenderResult
from rich.markdown import Heading, HorizontalRule, Markdown, MarkdownElement
from rich.rule import Rule
from rich.segment import Segment

from cli.screen import harmless

_CODE = "ansi_dark"  # the terminal's own colours, whatever its background


class _LeftHeading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Line(HorizontalRule):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Rule(style="markdown.hr")


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _LeftHeading,
        "hr": _Line,
    }


class Block:
    """A renderable for `text`."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        markdown = _Markdown(self._text, code_theme=_CODE, hyperlinks=False)
        lines = console.render_lines(markdown, options, pad=False)
        filled = [number for number, line in enumerate(lines) if any(part.text.strip() for part in line)]
        for line in lines[filled[0] : filled[-1] + 1] if filled else []:
            # The parser decodes percent signs of links: what was harmless as text need not be so any more.
            yield from (Segment(harmless(part.text), part.style) for part in _without_blank_end(line))
            yield Segment.line()


def _without_blank_end(line: list[Segment]) -> list[Segment]:
    """So that what is copied from the terminal has none."""
    while line and not line[-1].text.strip():
        line.pop()
    return [*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)] if line else []
