"""`sluice ask`: one question, its answer as it comes."""

import os
import sys
from typing import Annotated

import typer

from cli.model import DEFAULT_MODEL

_INPUT_BYTES = 32 << 20  # the largest body that a gateway takes by default


def ask(
    prompt: Annotated[
        str | None, typer.Argument(help="The question; - or none: read from a pipe.", show_default=False)
    ] = None,
    model: Annotated[str, typer.Option(help="The model to ask.")] = DEFAULT_MODEL,
    system: Annotated[str | None, typer.Option(help="The system prompt.")] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="The longest answer.")] = 4096,
    url: Annotated[str, typer.Option(envvar="SLUICE_URL", help="The Sluice to ask.")] = "http://127.0.0.1:8000",
) -> None:
    """Ask Claude and stream the answer to the terminal. SLUICE_API_KEY is the key, if the server wants one.

    Into a pipe goes the text alone; how long it took, and how many tokens, then goes to stderr.

    Exit code: 0 complete answer, 1 error instead of or in the answer, 2 wrong usage, 3 server not reached, 130 Ctrl-C.
    """
    from cli.answer import AnswerError
    from cli.client import Client, Unreachable
    from cli.showing import show

    try:
        client = Client(url, os.environ.get("SLUICE_API_KEY", ""))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    body = {"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": _question(prompt)}]}
    try:
        with client:
            show(client.stream({**body, "system": system} if system else body), sys.stdout, sys.stderr)
    except (AnswerError, Unreachable) as error:
        typer.echo(f"sluice: {error}", err=True)
        raise typer.Exit(3 if isinstance(error, Unreachable) else 1) from None


def _question(prompt: str | None) -> str:
    """The argument, or what the pipe brings. Raises BadParameter if there is none, or it is too long or no text."""
    if prompt is None and sys.stdin.isatty():
        raise typer.BadParameter("give a question, or pipe one in", param_hint="PROMPT")
    question = _piped() if prompt in (None, "-") else prompt
    if not question.strip():
        raise typer.BadParameter("the question is empty", param_hint="PROMPT")
    return question


def _piped() -> str:
    piped = sys.stdin.buffer.read(_INPUT_BYTES + 1)
    if len(piped) > _INPUT_BYTES:
        raise typer.BadParameter(f"the question is longer than {_INPUT_BYTES} bytes", param_hint="PROMPT")
    try:
        return piped.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"the question is no UTF-8 text: {error}", param_hint="PROMPT") from None
