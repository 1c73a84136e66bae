"""How a command of a client ends: its exit code, and one line on stderr that says why.

Invariant: the codes mean the same in every command; 2 is the command line's own.
Does not know: what the command does.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from cli.client import Client


class Exit(IntEnum):
    """What a client's command ends with, and why."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHED = 3
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """For docs/cli.md."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.DONE: "done: the answer is complete",
    Exit.FAILED: "refused, or the answer ended with an error, or the server is not ready; the reason is on stderr",
    Exit.USAGE: "wrong usage; nothing was sent",
    Exit.UNREACHED: "the server was not reached, or not any more",
    Exit.INTERRUPTED: "Ctrl-C",
}


@contextmanager
def connected(url: str) -> "Iterator[Client]":
    """A client for the block, with the key of the environment; its troubles become exit codes."""
    from cli.answer import AnswerError
    from cli.client import Client
    from cli.screen import fit_for
    from cli.stream import Unreachable

    try:
        client = Client(url, os.environ.get("SLUICE_API_KEY", ""))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from None
    try:
        with client:
            yield client
    except (AnswerError, Unreachable) as error:
        typer.echo(fit_for(sys.stderr, f"sluice: {error}"), err=True)
        raise typer.Exit(Exit.UNREACHED if isinstance(error, Unreachable) else Exit.FAILED) from None
