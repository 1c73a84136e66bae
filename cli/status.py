"""`sluice status`: how a running Sluice is."""

from typing import Annotated

import typer

from cli.exits import connected
from cli.options import DEFAULT_URL, Url


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False,
    every: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks.")] = 2.0,
    json: Annotated[bool, typer.Option("--json", help="A JSON object a look instead of lines.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show queue, workers, running jobs, streams and first-token times, from /readyz and /metrics of a gateway.

    Workers, queue and running jobs are the whole fleet's; streams and first-token times are those of this gateway:
    since its start, or with --watch in the last minute. --watch paints a terminal again; into a pipe it writes a line a
    look. It outlasts a server that is away.

    Exit code: 0 ready, or a watch that Ctrl-C has ended; 1 not ready or no Sluice, 2 wrong usage, 3 server not reached.
    """
    from cli.looking import look, watch_until_ctrl_c

    with connected(url) as client:
        if watch:
            watch_until_ctrl_c(client, every, as_json=json)
        elif not look(client, as_json=json):
            raise typer.Exit(1)
