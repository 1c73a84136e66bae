"""The models that the simulator names: those of Claude's API, some that it has retired, and its own.

Invariant: one order, newest first, that never changes while the process runs. The names are Anthropic's; dates and
sizes only have the right shape. Does not know paths or pages. Shape: the type `ModelInfo` of Claude's API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from simulator.errors import ApiError

Lifecycle = Literal["active", "deprecated", "retired"]
LIFECYCLES: tuple[str, ...] = get_args(Lifecycle)
_UNKNOWN_DATE = "1970-01-01"
_OWN = "claude-sim-"


@dataclass(frozen=True, slots=True)
class Model:
    """One row. Dates are days in UTC; a model of our own has no line, no size and no capabilities."""

    id: str
    name: str
    created: str
    line: str | None = None
    lifecycle: Lifecycle = "active"
    deprecated: str | None = None
    retires: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    budgeted: bool = False
    """It thinks by `budget_tokens`, as models did before they could adapt."""

    def info(self) -> dict[str, Any]:
        """The row as the API shows it."""
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": _midnight(self.created),
            "line": self.line,
            "lifecycle": self.lifecycle,
            "deprecated_at": _midnight(self.deprecated),
            "retires_at": _midnight(self.retires),
            "max_input_tokens": self.input_tokens,
            "max_tokens": self.output_tokens,
            "capabilities": None if self.line is None else _capabilities(budgeted=self.budgeted),
        }


def found_model(name: str) -> Model:
    """The row of an id or an alias; a name of our own that no row has is a row like those. Raises ApiError, 404."""
    found = _BY_NAME.get(name)
    if found is None and name.startswith(_OWN):
        return _own(name.removeprefix(_OWN))
    if found is None:
        raise ApiError(404, f"model: {name}")
    return found


def is_retired(name: str) -> bool:
    """Whether calls that name this model fail."""
    found = _BY_NAME.get(name)
    return found is not None and found.lifecycle == "retired"


def _midnight(day: str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00Z"


def _supported(supported: bool) -> dict[str, bool]:
    return {"supported": supported}


def _capabilities(*, budgeted: bool) -> dict[str, Any]:
    yes, no, adapts = _supported(True), _supported(False), _supported(not budgeted)
    levels = dict.fromkeys(("low", "medium", "high", "xhigh", "max"), adapts)
    thinking = {"adaptive": adapts, "between_tools": adapts, "disabled": yes, "enabled": yes if budgeted else no}
    edits = {"clear_thinking_20251015": yes, "clear_tool_uses_20250919": yes, "compact_20260112": adapts}
    return {
        "batch": yes,
        "citations": yes,
        "code_execution": yes,
        "context_management": {**yes, **edits},
        "effort": {**adapts, **levels},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {**yes, "code_execution": yes, "web_search": yes},
        "structured_outputs": yes,
        "thinking": {**yes, "types": thinking},
    }


def _active(line: str, version: str, created: str) -> Model:
    name = f"Claude {line.title()} {version}"
    made = f"claude-{line}-{version.replace('.', '-')}"
    return Model(made, name, created, line, input_tokens=1_000_000, output_tokens=128_000)


def _older(dated: str, name: str, created: str, line: str, **fields: Any) -> Model:
    return Model(dated, name, created, line, input_tokens=200_000, output_tokens=64_000, budgeted=True, **fields)


def _retired(dated: str, name: str, created: str, line: str, deprecated: str, retires: str) -> Model:
    return _older(dated, name, created, line, lifecycle="retired", deprecated=deprecated, retires=retires)


def _own(scenario: str) -> Model:
    return Model(f"{_OWN}{scenario}", f"Simulated: {scenario.replace('-', ' ')}", _UNKNOWN_DATE)


_CLAUDES = (
    _active("fable", "5.2", "2026-10-21"),
    _active("mythos", "5.2", "2026-10-21"),
    _active("haiku", "5.5", "2026-10-07"),
    _active("sonnet", "5.5", "2026-09-23"),
    _active("fable", "5.1", "2026-09-09"),
    _active("opus", "5.5", "2026-08-26"),
    _active("mythos", "5.1", "2026-08-12"),
    _active("opus", "5", "2026-07-22"),
    _active("sonnet", "5", "2026-06-30"),
    _active("fable", "5", "2026-06-09"),
    _active("mythos", "5", "2026-06-09"),
    _active("opus", "4.8", "2026-05-20"),
    _active("opus", "4.7", "2026-04-16"),
    _retired("claude-mythos-preview", "Claude Mythos Preview", "2026-04-07", "mythos", "2026-06-09", "2026-06-30"),
    _active("sonnet", "4.6", "2026-02-17"),
    _active("opus", "4.6", "2026-02-05"),
    _older("claude-opus-4-5-20251101", "Claude Opus 4.5", "2025-11-24", "opus"),
    _older("claude-haiku-4-5-20251001", "Claude Haiku 4.5", "2025-10-15", "haiku"),
    _older(
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        "2025-09-29",
        "sonnet",
        lifecycle="deprecated",
        deprecated="2026-09-15",
        retires="2026-11-30",
    ),
    _retired("claude-opus-4-1-20250805", "Claude Opus 4.1", "2025-08-05", "opus", "2026-06-05", "2026-08-05"),
    _retired("claude-opus-4-20250514", "Claude Opus 4", "2025-05-22", "opus", "2026-04-14", "2026-06-15"),
    _retired("claude-sonnet-4-20250514", "Claude Sonnet 4", "2025-05-22", "sonnet", "2026-04-14", "2026-06-15"),
    _retired("claude-3-7-sonnet-20250219", "Claude Sonnet 3.7", "2025-02-24", "sonnet", "2025-10-28", "2026-02-19"),
    _retired("claude-3-5-haiku-20241022", "Claude Haiku 3.5", "2024-10-22", "haiku", "2025-12-19", "2026-02-19"),
    _retired("claude-3-opus-20240229", "Claude Opus 3", "2024-02-29", "opus", "2025-06-30", "2026-01-05"),
)

_OWN_NAMES = (
    *("answer", "text", "thinking", "redacted-thinking", "tools", "server-tools", "citations", "cache", "multibyte"),
    *("long", "empty", "refusal", "pause-turn"),
)
"""The scenarios that end well at their own pace: reading each row of the list by its name succeeds."""

MODELS: tuple[Model, ...] = (*_CLAUDES, *map(_own, _OWN_NAMES))
"""Every model, newest first; more than one page of the usual length without the retired ones."""

_BY_NAME = {model.id: model for model in MODELS}
_BY_NAME |= {model.id[:-9]: model for model in MODELS if model.id[-8:].isdecimal()}
