"""`sluice worker`: one worker."""

import gc
from typing import Annotated

import typer

from cli.environment import apply


def worker(
    slots: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Jobs that it runs at once.", show_default="SLUICE_SLOTS")
    ] = None,
    metrics_host: Annotated[
        str | None, typer.Option(help="Where /metrics is served.", show_default="SLUICE_METRICS_HOST")
    ] = None,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Its port.", show_default="SLUICE_METRICS_PORT")
    ] = None,
    redis_url: Annotated[str | None, typer.Option(help="Where Redis is.", show_default="REDIS_URL")] = None,
    drain: Annotated[
        float | None,
        typer.Option(min=0, max=86_400, help="Seconds that running jobs get.", show_default="SLUICE_DRAIN_S"),
    ] = None,
) -> None:
    """Run one worker until SIGTERM, then drain. It needs ANTHROPIC_API_KEY; everything is set by the environment.

    Exit code: 0 stopped by a signal, 2 key, settings, address or Redis will not do.
    """
    apply(
        SLUICE_SLOTS=slots,
        SLUICE_METRICS_HOST=metrics_host,
        SLUICE_METRICS_PORT=metrics_port,
        REDIS_URL=redis_url,
        SLUICE_DRAIN_S=drain,
    )
    gc.disable()  # until the worker serves
    from worker.main import main

    main()
