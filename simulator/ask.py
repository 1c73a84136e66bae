"""What a Messages call asks for, read once from its checked body.

Invariant: pure reading; the same body gives the same Ask. Does not know which scenario will answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

Json = dict[str, Any]

DIRECTIVE = re.compile(r"\[\[sim:([^\]]*)\]\]")
"""`[[sim:<scenario> <parameters>]]` in the prompt; it is no part of what is answered."""
_SERVER_TOOLS = ("web_search", "web_fetch", "code_execution", "mcp_toolset", "tool_search", "advisor")
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """One call, as scenarios see it."""

    model: str
    stream: bool
    max_tokens: int
    stop_sequences: tuple[str, ...]
    prompt: str
    """The text of the last user message that has text, without a directive."""
    directive: str | None
    tools: tuple[Json, ...]
    """The tools that the client runs and that `tool_choice` allows."""
    web_search: bool
    """The API's own web search is among the tools."""
    tool_results: tuple[str, ...]
    """The texts of the tool results in the last user message."""
    documents: tuple[str, ...]
    """The plain-text documents in the last user message."""
    output_schema: Json | None
    """The JSON schema that the text has to fit (`output_config.format`, before that `output_format`)."""
    thinking: bool
    thinking_shown: bool
    user_id: str | None
    input_tokens: int
    """An estimate: four bytes of the request's texts and tools are one token."""


def read_ask(body: Json) -> Ask:
    """Read a body that passed the checks; one that asks for no answer may have no `max_tokens`."""
    prompt = _last_prompt(body["messages"])
    found = DIRECTIVE.search(prompt)
    thinking = body.get("thinking") or {}
    last = _blocks(body["messages"][-1])
    return Ask(
        model=body["model"],
        stream=bool(body.get("stream")),
        max_tokens=body.get("max_tokens", 1),
        stop_sequences=tuple(body.get("stop_sequences") or ()),
        prompt=DIRECTIVE.sub("", prompt).strip(),
        directive=found.group(1) if found else None,
        tools=_client_tools(body),
        web_search=any(_type(tool).startswith("web_search") for tool in body.get("tools") or ()),
        tool_results=tuple(_result_text(block) for block in last if block["type"] == "tool_result"),
        documents=tuple(_document_texts(last)),
        output_schema=_output_schema(body),
        thinking=thinking.get("type") in ("enabled", "adaptive"),
        thinking_shown=thinking.get("display") != "omitted",
        user_id=_user_id(body),
        input_tokens=_estimated_tokens(body),
    )


def _user_id(body: Json) -> str | None:
    user_id = (body.get("metadata") or {}).get("user_id")
    return user_id if isinstance(user_id, str) else None


def _output_schema(body: Json) -> Json | None:
    config = body.get("output_config")
    wanted = config.get("format") if isinstance(config, dict) else body.get("output_format")
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    return schema if isinstance(schema, dict) else None


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _last_prompt(messages: list[Json]) -> str:
    for message in reversed(messages):
        texts = [block["text"] for block in _blocks(message) if block["type"] == "text"]
        if message["role"] == "user" and texts:
            return "\n".join(texts)
    return ""


def _type(tool: Json) -> str:
    return str(tool.get("type", ""))


def _client_tools(body: Json) -> tuple[Json, ...]:
    choice = body.get("tool_choice") or {}
    named = [tool for tool in body.get("tools") or () if isinstance(tool.get("name"), str)]
    tools = [tool for tool in named if not _type(tool).startswith(_SERVER_TOOLS)]
    if choice.get("type") == "none":
        return ()
    if choice.get("type") == "tool":
        return tuple(tool for tool in tools if tool["name"] == choice.get("name"))
    return tuple(tools)


def _result_text(block: Json) -> str:
    content = block.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [str(part.get("text", "")) for part in content if isinstance(part, dict)]
    return " ".join(text for text in texts if text)


def _document_texts(blocks: list[Json]) -> list[str]:
    sources = [block.get("source") for block in blocks if block["type"] == "document"]
    return [
        str(source["data"])
        for source in sources
        if isinstance(source, dict) and source.get("type") == "text" and "data" in source
    ]


def _estimated_tokens(body: Json) -> int:
    asked = [body["messages"], body.get("system"), body.get("tools")]
    return max(1, len(msgspec.json.encode(asked)) // _BYTES_PER_TOKEN)
