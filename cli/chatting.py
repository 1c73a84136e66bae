"""The turns of a `sluice chat`.

Invariant: Ctrl-C ends the answer and its job, never the chat; what came of it stays in the conversation. A person at a
terminal reads of an error and goes on; a pipe ends with the first one, since nobody would read it in time.
Does not know: how lines are read, how answers are shown.
"""

import sys
from io import TextIOWrapper

from cli.answer import Answer, AnswerError
from cli.client import Client
from cli.conversation import Conversation
from cli.keys import unechoed
from cli.reading import messages
from cli.screen import fit_for, screen_for
from cli.showing import conclude, show
from cli.slash import Leave, obey
from cli.stream import Unreachable

_STOPPED = "[stopped; what came of it is part of the conversation]"
_FORGOTTEN = "[stopped before any text; the question is forgotten]"
_EMPTY = "[an answer without text; the question is forgotten]"


def chat_with(client: Client, conversation: Conversation, *, raw: bool) -> None:
    """Until the user leaves. Raises AnswerError, Unreachable and KeyboardInterrupt where nobody can go on."""
    _greet(client, conversation)
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # what is no text could not be sent
    for line in messages():
        try:
            _take(client, conversation, line, raw)
        except Leave:
            return
        except (AnswerError, Unreachable) as error:
            if not sys.stdin.isatty():
                raise
            print(fit_for(sys.stderr, f"sluice: {error}"), file=sys.stderr)
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise


def _greet(client: Client, conversation: Conversation) -> None:
    if sys.stdin.isatty():
        print(f"{conversation.model} at {client.url}", file=sys.stderr)
        print("Ctrl-C stops an answer, Ctrl-D leaves, /help lists the commands.", file=sys.stderr)


def _take(client: Client, conversation: Conversation, line: str, raw: bool) -> None:
    if line.startswith("/") and not line.startswith("//"):
        print(obey(line, conversation), file=sys.stderr)
    elif line.strip():
        _converse(client, conversation, line[1:] if line.startswith("//") else line, raw)


def _converse(client: Client, conversation: Conversation, text: str, raw: bool) -> None:
    screen, answer = screen_for(sys.stdout, sys.stderr, raw=raw), Answer()
    client.note = screen.note
    complete = False
    _space()
    try:
        with unechoed(), client.stream(conversation.ask(text)) as stream:
            times = show(stream, screen, answer)
        complete = True
    except KeyboardInterrupt:
        screen.after(_STOPPED if answer.text.strip() else _FORGOTTEN)
        _space()
        raise
    finally:
        kept = conversation.answer(answer.text, complete=complete)
    if not kept:
        screen.after(_EMPTY)
    conclude(screen, answer, times)
    _space()


def _space() -> None:
    """Around an answer, for a person's eye."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        print()
