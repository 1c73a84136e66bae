"""`sluice gateway`: one gateway."""

from typing import Annotated

import typer

from cli.environment import apply


def gateway(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="SLUICE_HOST")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port to listen on.", show_default="SLUICE_PORT")
    ] = None,
    redis_url: Annotated[str | None, typer.Option(help="Where Redis is.", show_default="REDIS_URL")] = None,
    drain: Annotated[
        float | None,
        typer.Option(min=0, max=86_400, help="Seconds that open answers get.", show_default="SLUICE_DRAIN_S"),
    ] = None,
) -> None:
    """Run one gateway until SIGTERM, then drain. Everything else is set by the environment.

    Exit code: 0 stopped by a signal, 2 settings, address or Redis will not do.
    """
    apply(SLUICE_HOST=host, SLUICE_PORT=port, REDIS_URL=redis_url, SLUICE_DRAIN_S=drain)
    from gateway.main import main

    main()
