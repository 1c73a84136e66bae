"""`sluice cancel`: jobs that nobody needs any more."""

import sys
from typing import Annotated

import typer

from cli.exits import connected
from cli.options import DEFAULT_URL, Url


def cancel(
    jobs: Annotated[list[str], typer.Argument(metavar="JOB", help="Ids of jobs.")],
    url: Url = DEFAULT_URL,
) -> None:
    """Cancel jobs that wait or run; one that has ended stays as it is. SLUICE_API_KEY is their owner's key.

    Prints each job's state: cancelled, done or failed. The first one that is refused ends it.

    Exit code: 0 none of them runs any more, 1 refused: no such job, or somebody else's, 2 wrong usage, 3 server not
    reached, 130 Ctrl-C.
    """
    from cli.screen import fit_for

    with connected(url) as client:
        for job in jobs:
            typer.echo(fit_for(sys.stdout, f"{job} {client.cancel(job).get('state', 'unknown')}"))
