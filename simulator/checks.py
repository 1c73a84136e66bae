"""What Claude's API refuses before any model is asked, with its own words for it.

Invariant: a body that passes is an object whose `model`, `max_tokens` and `messages` have the right shape.
Unknown fields pass: the API gains fields faster than a simulator. Does not know scenarios, nor versions' rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from simulator.catalogue import is_retired
from simulator.errors import ApiError
from simulator.http import HttpRequest
from simulator.versions import check_rules, checked_version

Json = dict[str, Any]

_ROLES = ("user", "assistant", "system")


def check_caller(request: HttpRequest) -> str:
    """The API version of a call that may be made. Raises ApiError in the order in which the API looks: 413, 401,
    400."""
    if request.too_large:
        raise ApiError(413)
    _check_key(request.headers)
    return checked_version(request.headers)


def checked_body(request: HttpRequest, *, for_answer: bool = True) -> Json:
    """The JSON body of a Messages call; one that is not `for_answer` needs no `max_tokens`. Raises ApiError."""
    version = check_caller(request)
    body = _decoded(request.body)
    for check in _BODY_CHECKS:
        if for_answer or check is not _check_max_tokens or "max_tokens" in body:
            check(body)
    check_rules(body, version)
    return body


def check_model(model: str) -> None:
    """Raise the API's 404 for a model that cannot be called: not a `claude…`, a `claude-unknown…`, a retired one."""
    if not model.startswith("claude") or model.startswith("claude-unknown") or is_retired(model):
        raise ApiError(404, f"model: {model}")


def _check_key(headers: dict[str, str]) -> None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = scheme.lower() == "bearer" and token.strip() != ""
    if not bearer and not headers.get("x-api-key"):
        raise ApiError(401, "x-api-key header is required")


def _decoded(raw: bytes) -> Json:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(400, f"The request body is not valid JSON: {error}") from error
    if not isinstance(body, dict):
        raise ApiError(400, "Input should be a valid dictionary or object to extract fields from")
    return body


def _check_field(body: Json, name: str, where: str, kind: type, wanted: str) -> None:
    if name not in body:
        raise ApiError(400, f"{where}: Field required")
    _check_kind(body[name], where, kind, wanted)


def _check_kind(value: object, where: str, kind: type, wanted: str) -> None:
    # In Python a bool is an int; in JSON it is not.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ApiError(400, f"{where}: Input should be a valid {wanted}")


def _check_model_field(body: Json) -> None:
    _check_field(body, "model", "model", str, "string")
    if not body["model"]:
        raise ApiError(400, "model: String should have at least 1 character")


def _check_max_tokens(body: Json) -> None:
    _check_field(body, "max_tokens", "max_tokens", int, "integer")
    if body["max_tokens"] < 1:
        raise ApiError(400, "max_tokens: Input should be greater than or equal to 1")


def _check_messages(body: Json) -> None:
    _check_field(body, "messages", "messages", list, "list")
    if not body["messages"]:
        raise ApiError(400, "messages: at least one message is required")
    for index, message in enumerate(body["messages"]):
        _check_message(message, f"messages.{index}")


def _check_message(message: Any, where: str) -> None:
    _check_kind(message, where, dict, "dictionary")
    _check_field(message, "role", f"{where}.role", str, "string")
    if message["role"] not in _ROLES:
        raise ApiError(400, f"{where}.role: Input should be 'user', 'assistant' or 'system'")
    if "content" not in message:
        raise ApiError(400, f"{where}.content: Field required")
    if not isinstance(message["content"], str):
        _check_blocks(message["content"], f"{where}.content")


def _check_blocks(blocks: Any, where: str) -> None:
    _check_kind(blocks, where, list, "list")
    for index, block in enumerate(blocks):
        _check_kind(block, f"{where}.{index}", dict, "dictionary")
        _check_field(block, "type", f"{where}.{index}.type", str, "string")
        if block["type"] == "text":
            _check_field(block, "text", f"{where}.{index}.text.text", str, "string")


def _check_optional_fields(body: Json) -> None:
    for name, kind, wanted in _OPTIONAL_FIELDS:
        if body.get(name) is not None:
            _check_kind(body[name], name, kind, wanted)


def _check_stop_sequences(body: Json) -> None:
    for index, sequence in enumerate(body.get("stop_sequences") or ()):
        _check_kind(sequence, f"stop_sequences.{index}", str, "string")
        if not sequence.strip():
            raise ApiError(400, "stop_sequences: each stop sequence must contain non-whitespace")


def _check_tools(body: Json) -> None:
    for index, tool in enumerate(body.get("tools") or ()):
        where = f"tools.{index}"
        _check_kind(tool, where, dict, "dictionary")
        # Tools of the API itself have rules of their own, and some have no name: an MCP server's whole set.
        if tool.get("type") in (None, "custom"):
            _check_field(tool, "name", f"{where}.custom.name", str, "string")
            _check_field(tool, "input_schema", f"{where}.custom.input_schema", dict, "dictionary")


def _check_thinking(body: Json) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    if "budget_tokens" not in thinking:
        raise ApiError(400, "thinking.enabled.budget_tokens: Field required")
    _check_kind(thinking["budget_tokens"], "thinking.enabled.budget_tokens", int, "integer")
    if "max_tokens" in body and thinking["budget_tokens"] >= body["max_tokens"]:
        raise ApiError(400, "`max_tokens` must be greater than `thinking.budget_tokens`.")


_OPTIONAL_FIELDS: tuple[tuple[str, type, str], ...] = (
    ("stream", bool, "boolean"),
    ("metadata", dict, "dictionary"),
    ("thinking", dict, "dictionary"),
    ("tools", list, "list"),
    ("tool_choice", dict, "dictionary"),
    ("stop_sequences", list, "list"),
)

_BODY_CHECKS: tuple[Callable[[Json], None], ...] = (
    _check_model_field,
    _check_max_tokens,
    _check_messages,
    _check_optional_fields,
    _check_stop_sequences,
    _check_tools,
    _check_thinking,
)
