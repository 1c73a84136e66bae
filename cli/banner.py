"""What `sluice up` tells when all is ready: what was chosen, every address, and a line to try.

Invariant: nothing is wrapped, so that every line can be copied; without colour it is plain text.
Does not know: how anything was started.
"""

import io
import json
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.model import DEFAULT_MODEL
from cli.plan import Plan

# A grid never pads to the width; it only must not wrap.
_WIDTH = 4096


def banner(plan: Plan, data: str, *, colour: bool) -> str:
    """The whole text. `data` says where data is kept."""
    grid = Table.grid(padding=(0, 3))
    for label, value in rows(plan, data):
        grid.add_row(Text(f"  {label}", style="dim"), Text(value))
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, force_terminal=colour, no_color=not colour, highlight=False)
    console.print(Text("\nSluice is ready.\n", style="bold green"))
    console.print(grid)
    console.print(Text("\nTry it:\n", style="bold"))
    console.print(Text(curl(plan)))
    console.print(Text("\nCtrl-C stops everything.\n", style="dim"))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n")) + "\n"


def rows(plan: Plan, data: str) -> Iterator[tuple[str, str]]:
    """Label and value of each line."""
    yield "gateway", plan.base_url
    yield "page", f"{plan.base_url}/"
    yield "API docs", f"{plan.base_url}/docs"
    yield "metrics", f"{plan.base_url}/metrics"
    for number, url in enumerate(plan.worker_urls, start=1):
        yield f"worker {number}", f"{url}/metrics"
    yield "upstream", plan.upstream
    yield "Redis", plan.store.shown
    yield "data", data


def curl(plan: Plan) -> str:
    """A command that streams an answer."""
    body = {
        "model": DEFAULT_MODEL,
        "max_tokens": 300,
        "stream": True,
        "messages": [{"role": "user", "content": "How does a sluice gate work?"}],
    }
    # Without configured keys the gateway takes any; a configured one is not ours to print.
    key = '"x-api-key: $SLUICE_API_KEY"' if plan.keys else "'x-api-key: any'"
    return (
        f"curl -N {plan.base_url}/v1/messages \\\n"
        f"  -H 'content-type: application/json' -H 'anthropic-version: 2023-06-01' -H {key} \\\n"
        f"  -d '{json.dumps(body)}'"
    )
