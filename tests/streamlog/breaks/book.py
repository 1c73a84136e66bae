"""One line of one script broken at a time, and the law that notices.

Invariant: each `line` stands in its script exactly once, so the table follows the scripts or fails.
Does not know: how a law is held.
"""

from collections.abc import Callable
from typing import NamedTuple
from unittest import mock

from streamlog import scripts
from streamlog.keys import Keys


class Break(NamedTuple):
    """`line` of `script` becomes `broken`, and then `law` fails."""

    script: str
    line: str
    broken: str
    law: str

    def scripts(self) -> Callable[[Keys], scripts.Scripts]:
        """Makes the scripts with the broken line. Raises `ValueError` when the line is not there once."""
        whole = scripts._text

        def text(name: str) -> str:
            if name != self.script:
                return whole(name)
            if whole(name).count(self.line) != 1:
                raise ValueError(f"{self.line!r} is not in {name}.lua once")
            return whole(name).replace(self.line, self.broken)

        def make(keys: Keys) -> scripts.Scripts:
            with mock.patch.object(scripts, "_text", text):
                return scripts.Scripts(keys)

        return make


def of(script: str, *rows: tuple[str, str, str]) -> list[Break]:
    """The breaks of one script, each as line, broken line, law."""
    return [Break(script, *row) for row in rows]
