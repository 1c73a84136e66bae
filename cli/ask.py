"""`sluice ask`: one question, its answer as it comes."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.exits import connected
from cli.model import DEFAULT_MODEL
from cli.options import DEFAULT_MAX_TOKENS, DEFAULT_URL, Json, MaxTokens, Model, Raw, System, Url


def ask(
    prompt: Annotated[
        str | None, typer.Argument(help="The question; - or none: what is piped in.", show_default=False)
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            "-f",
            help="A text, an image or a PDF to go with it, any number of times; - is a pipe, waited for.",
        ),
    ] = None,
    model: Model = DEFAULT_MODEL,
    system: System = None,
    max_tokens: MaxTokens = DEFAULT_MAX_TOKENS,
    raw: Raw = False,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Ask Claude and stream the answer. SLUICE_API_KEY is the key, if the server wants one.

    A terminal shows the answer's Markdown; into a pipe goes the text alone. How long it took, and how many tokens, is
    said at the end, beside a pipe on stderr. A connection that breaks is resumed. Ctrl-C cancels the answer.

    What is piped in beside a question goes with it as a file: `sluice ask "What went wrong?" < log`. A pipe that stays
    open and brings nothing in 3 seconds is left out, and that is said. In a loop that reads a pipe itself, give
    `< /dev/null`.

    Exit code: 0 complete answer, 1 error instead of or in the answer, 2 wrong usage, 3 server not reached or lost,
    130 Ctrl-C.
    """
    from cli.answering import print_json, print_text
    from cli.question import content

    message = {"role": "user", "content": content(prompt, files or [])}
    body: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "messages": [message]}
    with connected(url) as client:
        stream = client.stream({**body, "system": system} if system else body)
        if json:
            print_json(client, stream)
        else:
            print_text(client, stream, raw)
