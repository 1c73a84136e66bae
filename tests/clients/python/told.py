"""Messages and events of Claude's API, as plain objects, put into the names of the contract.

Does not know: HTTP, any client.
"""

import json
from typing import Any

from tests.clients.python.speaking import Outcome

Json = dict[str, Any]


def tell_message(message: Json, outcome: Outcome) -> None:
    """What a whole message says."""
    blocks = message["content"]
    outcome["text"] = "".join(block["text"] for block in blocks if block["type"] == "text")
    outcome["tools"] = [{"name": one["name"], "input": one["input"]} for one in blocks if "input" in one]
    outcome["blocks"] = blocks
    for name in ("usage", "stop_reason", "stop_sequence", "model"):
        outcome[name] = message[name]


class Told:
    """Puts events together as an application would that has no helper for it; the outcome is true after each event."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome
        self._inputs: list[str] = []
        outcome |= {"text": "", "tools": [], "blocks": [], "events": [], "pieces": 0}

    def take(self, event: Json) -> None:
        kind = event["type"]
        if kind == "ping":
            return
        self._outcome["events"].append(kind)
        act = getattr(self, f"_{kind}", None)
        if act is not None:
            act(event)

    def _message_start(self, event: Json) -> None:
        self._outcome["usage"] = event["message"]["usage"]
        self._outcome["model"] = event["message"]["model"]

    def _content_block_start(self, event: Json) -> None:
        self._outcome["blocks"].append(event["content_block"])
        self._inputs.append("")

    def _content_block_delta(self, event: Json) -> None:
        block, delta = self._outcome["blocks"][event["index"]], event["delta"]
        if delta["type"] == "text_delta":
            self._outcome["text"] += delta["text"]
            self._outcome["pieces"] += 1
            block["text"] += delta["text"]
        elif delta["type"] == "input_json_delta":
            self._inputs[event["index"]] += delta["partial_json"]
        elif delta["type"] == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
        elif delta["type"] == "thinking_delta":
            block["thinking"] += delta["thinking"]
        else:
            block |= {name: value for name, value in delta.items() if name != "type"}

    def _content_block_stop(self, event: Json) -> None:
        block, parts = self._outcome["blocks"][event["index"]], self._inputs[event["index"]]
        if parts:
            block["input"] = json.loads(parts)
        if "input" in block:
            self._outcome["tools"].append({"name": block["name"], "input": block["input"]})

    def _message_delta(self, event: Json) -> None:
        self._outcome["usage"] = (self._outcome.get("usage") or {}) | event["usage"]
        self._outcome |= event["delta"]


def second_turn(body: Json, blocks: list[Json], result: str) -> Json:
    """The body that carries on a conversation: each tool that was asked for has answered `result`."""
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": result}
        for block in blocks
        if block["type"] == "tool_use"
    ]
    turns = [{"role": "assistant", "content": blocks}, {"role": "user", "content": results}]
    return body | {"messages": [*body["messages"], *turns]}
