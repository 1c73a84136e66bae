"""`sluice follow`: the answer of a job that somebody asked for, from the start or from an event on."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import connected
from cli.options import DEFAULT_URL, Json, Raw, Url

if TYPE_CHECKING:
    from cli.client import Client
    from cli.showing import Times


def follow(
    job: Annotated[str, typer.Argument(help="A job's id, or an event's id (job:position) to go on after it.")],
    raw: Raw = False,
    json: Json = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show the answer of a job, while it runs or after it. SLUICE_API_KEY is its owner's key, if it has one.

    The figures at the end are the job's own: from its submit on, whoever listened. A connection that breaks is
    resumed. Ctrl-C stops listening; the job goes on.

    Exit code: 0 complete answer, 1 no such job, error in the answer or nothing left of it, 2 wrong usage, 3 server not
    reached or lost, 130 Ctrl-C.
    """
    from cli.answering import print_json, print_text

    name, _, position = job.partition(":")
    if not name:
        raise typer.BadParameter("give a job's id", param_hint="JOB")
    with connected(url) as client:
        stream = client.follow(name, job if position else "")
        if json:
            print_json(client, stream, lambda _: _times_of(client, name))
        else:
            print_text(client, stream, raw, lambda _: _times_of(client, name))


def _times_of(client: "Client", job: str) -> "Times":
    """As the job's record tells them."""
    from cli.showing import Times

    timings = client.job(job).get("timings") or {}
    first_ms, total_ms = timings.get("first_content_ms"), timings.get("total_ms")
    return Times(_seconds(first_ms), _seconds(total_ms))


def _seconds(ms: float | None) -> float | None:
    return None if ms is None else ms / 1000
