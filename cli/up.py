"""`sluice up`: everything on one machine by one command.

Does not know: how it is done. The parts are imported when the command runs, so that `sluice --help` is fast.
"""

from pathlib import Path
from typing import Annotated

import typer


def up(
    host: Annotated[str, typer.Option(help="Address of the gateway.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the gateway; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Worker processes.")] = 2,
    slots: Annotated[int, typer.Option(min=1, max=10_000, help="Jobs that one worker runs at once.")] = 200,
    redis_url: Annotated[
        str, typer.Option(envvar="REDIS_URL", help="A Redis or Valkey to use. Without one, an embedded Valkey starts.")
    ] = "",
    data_dir: Annotated[Path, typer.Option(help="Where the embedded Valkey keeps its data.")] = Path(".sluice"),
    drain: Annotated[
        float,
        typer.Option(envvar="SLUICE_DRAIN_S", min=0, max=86_400, help="Seconds that open answers get when it stops."),
    ] = 5.0,
) -> None:
    """Start Redis, workers and the gateway, and keep them running until Ctrl-C.

    Without ANTHROPIC_API_KEY a simulator answers instead of Claude.

    Exit code: 0 stopped by a signal, 1 something could not be had, 2 wrong usage.
    """
    from cli.command import CannotGoOn, WrongUsage
    from cli.house import keep_house
    from cli.plan import Options

    try:
        code = keep_house(Options(host, port, workers, slots, drain), redis_url, data_dir)
    except CannotGoOn as error:
        typer.echo(f"sluice: {error}", err=True)
        code = 1
    except WrongUsage as error:
        typer.echo(f"sluice: {error}", err=True)
        code = 2
    raise typer.Exit(code)
