"""The tables of docs/simulator.md, made from the table of scenarios, so that the page cannot lie."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.scenario import PACE_PARAMETERS, Parameter
from simulator.scenarios import SCENARIOS


def scenario_tables() -> str:
    """Markdown: every scenario with its parameters, then the parameters that all of them understand."""
    rows = [f"| `{row.name}` | {row.summary} | {_listed(row.parameters, row.primary)} |" for row in SCENARIOS.values()]
    common = [f"| `{name}` | {p.meaning} | {p.allowed()} |" for name, p in PACE_PARAMETERS.items()]
    return "\n".join(
        [
            "| scenario | what happens | parameters |",
            "|---|---|---|",
            *rows,
            "",
            "| every scenario understands | meaning | values |",
            "|---|---|---|",
            *common,
        ]
    )


def _listed(parameters: Mapping[str, Parameter], primary: str | None) -> str:
    return "<br>".join(_described(name, parameter, name == primary) for name, parameter in parameters.items())


def _described(name: str, parameter: Parameter, is_primary: bool) -> str:
    usual = "" if parameter.default is None else f"; by default {parameter.default}"
    shown = f"`{name}` (its name may be left out)" if is_primary else f"`{name}`"
    return f"{shown}: {parameter.meaning} ({parameter.allowed()}{usual})"
