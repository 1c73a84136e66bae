"""Readable Markdown that fits the words of a prompt a little, always the same for the same prompt.

Invariant: no clock and no chance but the prompt's own hash. Does not know events, tokens or limits.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator
from itertools import count

from simulator import phrases

_WORD = re.compile(r"\w[\w'’-]*")
_MAX_READ_CHARS = 2_000
_MAX_TOPIC_WORDS = 3
_MAX_WORD_CHARS = 30
_GREETING_CHARS = 24


class Writer:
    """One answer in the making: the prompt's topics and the prompt's own dice."""

    def __init__(self, prompt: str) -> None:
        self._dice = random.Random(hashlib.sha256(prompt.encode()).digest())  # noqa: S311 - not for secrets
        self.topics = _topics(prompt) or ["this"]

    def sentence(self, kind: tuple[str, ...]) -> str:
        """A sentence of that kind."""
        return self.filled(self._dice.choice(kind))

    def sentences(self, kind: tuple[str, ...], number: int) -> list[str]:
        """Some different ones of that kind, in their order."""
        chosen = sorted(self._dice.sample(range(len(kind)), number))
        return [self.filled(kind[index]) for index in chosen]

    def filled(self, template: str) -> str:
        """The template about one of the topics."""
        topic = self._dice.choice(self.topics[:4])
        other = self.topics[-1] if len(self.topics) > 1 else "the rest of it"
        return _capital(template.format(topic=topic, main=self.topics[0], other=other))

    def paragraph(self, number: int) -> str:
        """So many sentences of explanation in one block."""
        return " ".join(self.sentences(phrases.BODY, number))

    def title(self) -> str:
        """A heading about the first topic."""
        return f"## {self.sentence(phrases.TITLES)}"


def answer_to(prompt: str) -> str:
    """An answer of some 100 to 250 words; a greeting gets a short one."""
    writer = Writer(prompt)
    return "\n\n".join(_shape_for(prompt)(writer))


def more_about(prompt: str) -> Iterator[str]:
    """Further blocks of text for a long answer, without end."""
    writer = Writer(prompt)
    for section in count(2):
        yield f"## Part {section}: {writer.sentence(phrases.SECTIONS)}"
        yield writer.paragraph(4)
        yield _bullets(writer.sentences(phrases.POINTS, 3))


def thoughts_about(prompt: str) -> str:
    """What a model might think before it answers."""
    return " ".join(Writer(prompt).sentences(phrases.THOUGHTS, 4))


def report_of(prompt: str, results: tuple[str, ...]) -> str:
    """An answer that uses what tools returned."""
    shown = "; ".join(result.strip() or "nothing" for result in results)
    return f"Here is what the tool returned: {shown}\n\n{Writer(prompt).paragraph(2)}"


def _topics(prompt: str) -> list[str]:
    """The prompt's own phrases, those of most words first, without the words that every prompt has."""
    topics: list[str] = []
    end_of_last = 0
    for word in _WORD.finditer(prompt[:_MAX_READ_CHARS]):
        if not _is_telling(word.group()):
            continue
        follows = prompt[end_of_last : word.start()] == " "
        if topics and follows and topics[-1].count(" ") < _MAX_TOPIC_WORDS - 1:
            topics[-1] = f"{topics[-1]} {word.group()}"
        else:
            topics.append(word.group()[:_MAX_WORD_CHARS])
        end_of_last = word.end()
    return sorted(dict.fromkeys(topics), key=lambda topic: -topic.count(" "))[:6]


def _is_telling(word: str) -> bool:
    long_enough = len(word) > 2 or (len(word) == 2 and word.isupper())
    return long_enough and not word.isdecimal() and word.lower() not in phrases.STOP_WORDS


def _shape_for(prompt: str) -> Callable[[Writer], list[str]]:
    lowered = f" {prompt[:_MAX_READ_CHARS].lower()} "
    if len(prompt) <= _GREETING_CHARS and any(word in lowered for word in phrases.GREETINGS):
        return _greeting
    for signs, shape in _SHAPES:
        if any(sign in lowered for sign in signs):
            return shape
    return _explanation


def _greeting(writer: Writer) -> list[str]:
    return [writer.sentence(phrases.HELLOS)]


def _explanation(writer: Writer) -> list[str]:
    points = _bullets(writer.sentences(phrases.POINTS, 4))
    ending = writer.sentence(phrases.ENDINGS)
    return [writer.sentence(phrases.OPENINGS), writer.title(), writer.paragraph(4), points, ending]


def _steps(writer: Writer) -> list[str]:
    steps = [f"{number}. {text}" for number, text in enumerate(writer.sentences(phrases.STEPS, 5), 1)]
    opening = writer.sentence(phrases.OPENINGS)
    return [opening, writer.title(), "\n".join(steps), writer.paragraph(3), writer.sentence(phrases.ENDINGS)]


def _comparison(writer: Writer) -> list[str]:
    left, right = writer.topics[0], writer.topics[min(1, len(writer.topics) - 1)]
    rows = [f"| | {left} | {right} |", "|---|---|---|", *writer.sentences(phrases.ROWS, 4)]
    opening = writer.sentence(phrases.OPENINGS)
    return [opening, writer.title(), "\n".join(rows), writer.paragraph(3), writer.sentence(phrases.ENDINGS)]


def _code(writer: Writer) -> list[str]:
    name = writer.topics[0].lower().replace(" ", "_")
    block = f"```python\n{phrases.CODE.format(name=name if name.isidentifier() else 'example')}\n```"
    points = _bullets(writer.sentences(phrases.CODE_POINTS, 3))
    return [writer.sentence(phrases.CODE_OPENINGS), block, points, writer.sentence(phrases.ENDINGS)]


def _poem(writer: Writer) -> list[str]:
    lines = [writer.filled(verse) for verse in phrases.VERSES]
    return ["  \n".join(lines[:4]), "  \n".join(lines[4:])]


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _bullets(points: list[str]) -> str:
    return "\n".join(f"- {point}" for point in points)


_SHAPES: tuple[tuple[tuple[str, ...], Callable[[Writer], list[str]]], ...] = (
    (("poem", "haiku", "verse", "song"), _poem),
    (("code", "python", "function", "script", "program"), _code),
    ((" vs", "versus", "compare", "difference", "better"), _comparison),
    (("how to", "how do", "steps", "guide", "recipe", "set up", "install"), _steps),
)
