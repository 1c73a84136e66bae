"""`sluice`: one command line, one file a command.

Invariant: this import loads no server, no SDK and no queue; a command imports what it needs when it runs.
"""

from importlib.metadata import version
from typing import Annotated

import typer

from cli.ask import ask
from cli.cancel import cancel
from cli.chat import chat
from cli.follow import follow
from cli.gateway import gateway
from cli.key import key
from cli.simulator import PASS_ON, simulator
from cli.status import status
from cli.up import up
from cli.worker import worker

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sluice {version('sluice')}")
        raise typer.Exit


@app.callback()
def sluice(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A queue-backed streaming gateway for Claude."""


app.command()(up)
app.command()(gateway)
app.command()(worker)
app.command(context_settings=PASS_ON)(simulator)
app.command()(ask)
app.command()(chat)
app.command()(follow)
app.command()(cancel)
app.command()(status)
app.command()(key)


def main() -> None:
    """Run the command line of this process; always ends in SystemExit."""
    app()
