"""What the simulated model says: an answer for each kind of call.

Invariant: the same call gives the same answer, ids apart. Does not know faults, pace or HTTP.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import Any

import msgspec

from simulator import phrases, prose
from simulator.answer import Answer, InputUsage
from simulator.ask import Ask
from simulator.blocks import Block, Pieces, Text, Thinking, ToolUse, Whole, json_pieces, pieces_of
from simulator.headers import new_id
from simulator.tool_input import fitting_input

Json = dict[str, Any]

_WEATHER: Json = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}},
}
_SOURCE = {"url": "https://example.com/notes", "title": "Notes on the subject"}


def fitting(ask: Ask, events: int | None) -> Answer:
    """What a model would do with this call: think if asked to, use a tool that waits, else write.

    `events` here and below: how many pieces the text has, None for as many as it comes to.
    """
    if ask.tools:
        return using_tools(ask, events, calls=1)
    if ask.web_search and not ask.tool_results:
        return searched(ask, events)
    return written(ask, events)


def written(ask: Ask, events: int | None) -> Answer:
    """A text; after tool results it uses them."""
    return _answer(ask, _text(ask, events))


def thought(ask: Ask, events: int | None) -> Answer:
    """Thinking first, whether it was asked for or not."""
    return Answer((_thinking(ask), _text(ask, events)), InputUsage(ask.input_tokens))


def redacted(ask: Ask, events: int | None) -> Answer:
    """A redacted thinking block, then a text."""
    thinking = Whole({"type": "redacted_thinking", "data": _opaque(ask.prompt, 192)})
    return Answer((thinking, _text(ask, events)), InputUsage(ask.input_tokens))


def using_tools(ask: Ask, events: int | None, calls: int) -> Answer:
    """A sentence, then calls of the request's tools in turn, of a weather tool if it has none; with tool results
    a text that uses them."""
    if ask.tool_results:
        return written(ask, events)
    tools = ask.tools or (_WEATHER,)
    uses = [_tool_use(tools[index % len(tools)], ask.prompt) for index in range(calls)]
    opening = Text(pieces_of("I'll look that up for you."))
    return _answer(ask, opening, *uses, stop_reason="tool_use")


def searched(ask: Ask, events: int | None) -> Answer:
    """A web search by the API itself: the call, its result, a text that cites it."""
    search = _search(ask)
    citation = {
        "type": "web_search_result_location",
        **_SOURCE,
        "cited_text": _quote(ask),
        "encrypted_index": _opaque(ask.prompt + "index", 48),
    }
    text = Text(_text(ask, events).pieces, (citation,))
    return _answer(ask, _announcement(), search, _search_result(ask, search.id), text, web_searches=1)


def paused(ask: Ask, events: int | None) -> Answer:
    """A turn that the API paused while its own tool runs."""
    return _answer(ask, _announcement(), _search(ask), stop_reason="pause_turn", web_searches=1)


def cited(ask: Ask, events: int | None) -> Answer:
    """A text with a citation of the first plain-text document of the request, of the prompt if it has none."""
    quote = _quote(ask)
    citation = {
        "type": "char_location",
        "cited_text": quote,
        "document_index": 0,
        "document_title": None,
        "start_char_index": 0,
        "end_char_index": len(quote),
        "file_id": None,
    }
    return _answer(ask, Text(_text(ask, events).pieces, (citation,)))


def cached(ask: Ask, events: int | None, created: int, read: int) -> Answer:
    """A text to a prompt of which a part went to the cache and a part came from it, in tokens."""
    used = InputUsage(ask.input_tokens, created, read)
    return replace(written(ask, events), used=used)


def refused(ask: Ask, events: int | None) -> Answer:
    """A few words, then the classifiers stop the answer."""
    details = {"type": "refusal", "category": None, "explanation": "The request was declined."}
    return _answer(ask, Text(pieces_of("I can")), stop_reason="refusal", stop_details=details)


def multibyte(ask: Ask, events: int | None) -> Answer:
    """A text of every kind of character that has broken a stream."""
    pieces = pieces_of(phrases.MULTIBYTE)
    wanted = len(pieces) if events is None else events
    return _answer(ask, Text((pieces * (wanted // len(pieces) + 1))[:wanted]))


def empty(ask: Ask, events: int | None) -> Answer:
    """No content at all."""
    return Answer((), InputUsage(ask.input_tokens))


def _answer(ask: Ask, *blocks: Block, **fields: Any) -> Answer:
    opening = (_thinking(ask),) if ask.thinking else ()
    return Answer((*opening, *blocks), InputUsage(ask.input_tokens), **fields)


def _text(ask: Ask, events: int | None) -> Text:
    if ask.output_schema is not None:
        return Text(pieces_of(msgspec.json.encode(fitting_input(ask.output_schema, ask.prompt)).decode()))
    if ask.tool_results:
        pieces = pieces_of(prose.report_of(ask.prompt, ask.tool_results))
    else:
        pieces = pieces_of(prose.answer_to(ask.prompt))
    if events is None:
        return Text(pieces)
    more = () if len(pieces) >= events else _carried_on(ask.prompt, events - len(pieces))
    return Text((*pieces, *more)[:events])


def _carried_on(prompt: str, at_least: int) -> Pieces:
    pieces: list[str] = []
    for section in prose.more_about(prompt):
        pieces += pieces_of(f"\n\n{section}")
        if len(pieces) >= at_least:
            break
    return tuple(pieces)


def _thinking(ask: Ask) -> Thinking:
    pieces = pieces_of(prose.thoughts_about(ask.prompt))
    return Thinking(pieces, _opaque(ask.prompt + "signature", 256), ask.thinking_shown)


def _tool_use(tool: Json, prompt: str) -> ToolUse:
    given = fitting_input(tool.get("input_schema") or {}, prompt)
    return ToolUse(new_id("toolu"), tool["name"], json_pieces(given))


def _announcement() -> Text:
    return Text(pieces_of("I'll search the web for that."))


def _search(ask: Ask) -> ToolUse:
    query = " ".join(prose.Writer(ask.prompt).topics[:4])
    return ToolUse(new_id("srvtoolu"), "web_search", json_pieces({"query": query}), kind="server_tool_use")


def _search_result(ask: Ask, tool_use_id: str) -> Whole:
    result = {
        **_SOURCE,
        "type": "web_search_result",
        "encrypted_content": _opaque(ask.prompt + "result", 240),
        "page_age": "January 15, 2026",
    }
    return Whole({"type": "web_search_tool_result", "tool_use_id": tool_use_id, "content": [result]})


def _quote(ask: Ask) -> str:
    source = ask.documents[0] if ask.documents else ask.prompt
    return source[:120].split("\n")[0]


def _opaque(seed: str, size: int) -> str:
    """Base64 of so many bytes that mean nothing, the same for the same seed."""
    return base64.b64encode(hashlib.shake_256(seed.encode()).digest(size)).decode()
