"""What was said in a `sluice chat`, and what of it the next call sends.

Invariant: turns alternate, the user's first, and none is empty, as the Messages API wants them.
Does not know: terminals, servers.
"""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Conversation:
    """`ask` and then either `answer` or `forget`, again and again."""

    model: str
    system: str
    max_tokens: int
    messages: list[dict[str, str]] = field(default_factory=list)
    interrupted: set[int] = field(default_factory=set)  # which messages are the beginning of an answer only

    def ask(self, text: str) -> dict[str, Any]:
        """Add the user's turn; the body of the call that answers it."""
        self.messages.append({"role": "user", "content": text})
        body = {"model": self.model, "max_tokens": self.max_tokens, "messages": self.messages}
        return {**body, "system": self.system} if self.system else body

    def answer(self, text: str, *, complete: bool) -> bool:
        """Add the model's turn. Without any text there is none: then the question is forgotten, and False said."""
        if not text.strip():
            self.forget()
            return False
        if not complete:
            self.interrupted.add(len(self.messages))
        self.messages.append({"role": "assistant", "content": text})
        return True

    def forget(self) -> None:
        """The last question was not answered."""
        self.messages.pop()

    def clear(self) -> None:
        """Begin again; model and system prompt stay."""
        self.messages = []
        self.interrupted = set()

    def as_json(self) -> str:
        """As the body of a call has it."""
        fields = {"model": self.model, "system": self.system, "messages": self.messages}
        return json.dumps(fields, ensure_ascii=False, indent=2) + "\n"

    def as_markdown(self) -> str:
        """For people: who said what."""
        head = f"<!-- {self.model} -->\n\n" + (f"> {self.system}\n\n" if self.system else "")
        return head + "\n".join(self._turn(number) for number in range(len(self.messages)))

    def _turn(self, number: int) -> str:
        message = self.messages[number]
        who = "You" if message["role"] == "user" else "Claude"
        return f"**{who}**{' (stopped)' if number in self.interrupted else ''}\n\n{message['content'].strip()}\n"
