"""Which model names become labels, so that a caller's word can never make series without end.

Invariant: at most `limit` names are ever admitted, first come first seated; all others are `other`.
Does not know: which models exist upstream, what is counted.
"""

import re
from collections.abc import Callable
from typing import Generic, TypeVar

from telemetry.metrics import OTHER

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,127}")

Child = TypeVar("Child")


class ModelNames:
    """The names seen so far by one process."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted: set[str] = set()

    def label(self, word: str) -> str:
        """The label for a caller's `word`: itself while there is a seat, `other` if not or if it is no name at all.

        A name has at most 128 of the characters that model names are made of.
        """
        if word in self._admitted:
            return word
        if len(self._admitted) >= self._limit or _NAME.fullmatch(word) is None:
            return OTHER
        self._admitted.add(word)
        return word


class ByModel(Generic[Child]):
    """The series of one metric by model; a known name costs one lookup. `make` gets the label, once each."""

    def __init__(self, names: ModelNames, make: Callable[[str], Child]) -> None:
        self._names = names
        self._make = make
        self._children: dict[str, Child] = {}

    def __getitem__(self, word: str) -> Child:
        child = self._children.get(word)
        return self._admit(self._names.label(word)) if child is None else child

    def _admit(self, label: str) -> Child:
        if label not in self._children:
            self._children[label] = self._make(label)
        return self._children[label]
