"""What is asked: the argument, a pipe, and files.

Invariant: nothing is guessed at: a file is an image or a PDF by its first bytes, else UTF-8 text, else refused.
Does not know: who is asked.
"""

import sys
from base64 import b64encode
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import typer

from cli.piped import piped_in

_PIPE = Path("-")
INPUT_BYTES = 32 << 20  # the largest body that a gateway takes by default

# https://platform.claude.com/docs/en/build-with-claude/vision and …/pdf-support; WebP has a length in between.
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def content(prompt: str | None, files: list[Path]) -> str | list[dict[str, Any]]:
    """The content of a user's message, files first, then what is piped in beside a question that is given.

    Raises BadParameter for what is missing, too long or no text.
    """
    given = prompt not in (None, "-")
    if _PIPE in files and not given:
        raise typer.BadParameter("give a question; the pipe is a file already", param_hint="PROMPT")
    blocks = [block(str(path), _bytes_of(path)) for path in files]
    question = _question(prompt)
    if given and _PIPE not in files and piped_in() and (data := _bytes_of(_PIPE)).strip():
        blocks.append(block("-", data))
    return [*blocks, {"type": "text", "text": question}] if blocks else question


def block(name: str, data: bytes) -> dict[str, Any]:
    """A content block for a file. Raises BadParameter if it is neither an image, a PDF nor UTF-8 text."""
    media = next((media for magic, media in _MAGIC if data.startswith(magic)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        media = "image/webp"
    if media is None:
        source = {"type": "text", "media_type": "text/plain", "data": _text(data, f"{name} is neither image, PDF nor")}
        return {"type": "document", "source": source, "title": "stdin" if name == "-" else Path(name).name}
    source = {"type": "base64", "media_type": media, "data": b64encode(data).decode()}
    return {"type": "image" if media.startswith("image/") else "document", "source": source}


def _question(prompt: str | None) -> str:
    if prompt is None and sys.stdin.isatty():
        raise typer.BadParameter("give a question, or pipe one in", param_hint="PROMPT")
    question = _text(_bytes_of(_PIPE), "the question is no") if prompt in (None, "-") else prompt
    if any("\ud800" <= letter <= "\udfff" for letter in question):  # how Python keeps bytes that are no text
        raise typer.BadParameter("the question is no UTF-8 text", param_hint="PROMPT")
    if not question.strip():
        raise typer.BadParameter("the question is empty", param_hint="PROMPT")
    return question


def _bytes_of(path: Path) -> bytes:
    try:
        with nullcontext(sys.stdin.buffer) if path == _PIPE else path.open("rb") as file:
            data = file.read(INPUT_BYTES + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}", param_hint="--file") from None
    if len(data) > INPUT_BYTES:
        raise typer.BadParameter(f"{path} is longer than {INPUT_BYTES} bytes", param_hint="--file or PROMPT")
    return data


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{what} UTF-8 text: {error}", param_hint="--file or PROMPT") from None
