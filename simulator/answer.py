"""A whole answer before it travels: its blocks, why it stopped, what it used; and the limits of the request.

Invariant: `output_tokens` is the number of pieces in the blocks, never above `max_tokens`. Does not know events,
pace or faults.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.blocks import Block, Text, Thinking

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InputUsage:
    """What the prompt cost, in tokens; the three parts add up to the whole prompt."""

    fresh: int
    cache_created: int = 0
    cache_read: int = 0

    def fields(self) -> Json:
        """The input side of `usage`."""
        return {
            "input_tokens": self.fresh,
            "cache_creation_input_tokens": self.cache_created,
            "cache_read_input_tokens": self.cache_read,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says. Stop reasons: the type `StopReason` of Claude's API."""

    blocks: tuple[Block, ...]
    used: InputUsage
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    stop_details: Json | None = None
    web_searches: int = 0

    @property
    def output_tokens(self) -> int:
        """At least 1: the API counts an empty answer too."""
        return max(1, sum(len(block.pieces) for block in self.blocks))

    @property
    def thinking_tokens(self) -> int:
        return sum(len(block.pieces) for block in self.blocks if isinstance(block, Thinking))


def within_limits(answer: Answer, max_tokens: int, stop_sequences: Sequence[str]) -> Answer:
    """End the answer where the request says: at `max_tokens` tokens, or before a stop sequence in a text."""
    return _before_stop_sequence(_at_most(answer, max_tokens), stop_sequences)


def _at_most(answer: Answer, max_tokens: int) -> Answer:
    kept: list[Block] = []
    left = max_tokens
    for block in answer.blocks:
        if len(block.pieces) > left:
            blocks = (*kept, block.first(left)) if left else tuple(kept)
            return replace(answer, blocks=blocks, stop_reason="max_tokens", stop_details=None)
        kept.append(block)
        left -= len(block.pieces)
    return answer


def _before_stop_sequence(answer: Answer, stop_sequences: Sequence[str]) -> Answer:
    for index, block in enumerate(answer.blocks):
        if not isinstance(block, Text):
            continue
        at, sequence = _earliest("".join(block.pieces), stop_sequences)
        if sequence is not None:
            blocks = (*answer.blocks[:index], Text(_until(block.pieces, at)))
            return replace(
                answer, blocks=blocks, stop_reason="stop_sequence", stop_sequence=sequence, stop_details=None
            )
    return answer


def _earliest(text: str, stop_sequences: Sequence[str]) -> tuple[int, str | None]:
    found = [(text.find(sequence), sequence) for sequence in stop_sequences if sequence in text]
    return min(found, default=(0, None))


def _until(pieces: Sequence[str], end: int) -> tuple[str, ...]:
    """The pieces up to this many characters, the last one shortened."""
    kept: list[str] = []
    for piece in pieces:
        if end <= 0:
            break
        kept.append(piece[:end])
        end -= len(piece)
    return tuple(kept)
