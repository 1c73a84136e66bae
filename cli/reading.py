"""What the user of a `sluice chat` types: one message a time.

Invariant: Ctrl-C while typing takes the line away, and nothing else; a line that ends with a backslash goes on.
Does not know: what is done with the messages.
"""

import sys
from collections.abc import Iterator

PROMPT = "> "
_MORE = ". "
_LEAVE = "Ctrl-D or /exit leaves; /help lists the commands."


def messages() -> Iterator[str]:
    """Until the input ends. From a terminal with history and line editing, from a pipe line by line."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        import readline  # noqa: F401 - input() edits lines by it

    while True:
        try:
            yield _message()
        except EOFError:
            _say("" if sys.stdin.isatty() else None)
            return
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                raise
            _say("\n" + _LEAVE)


def _message() -> str:
    lines = [_line(PROMPT)]
    while lines[-1].endswith("\\"):
        lines[-1] = lines[-1][:-1]
        try:
            lines.append(_line(_MORE))
        except EOFError:
            break  # what was typed so far is a message all the same
    return "\n".join(lines)


def _line(prompt: str) -> str:
    if not sys.stdin.isatty():
        prompt = ""
    elif sys.stdout.isatty():
        return input(prompt)
    sys.stderr.write(prompt)  # stdout is not for prompts when it is a pipe
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def _say(text: str | None) -> None:
    if text is not None:
        print(text, file=sys.stderr)
