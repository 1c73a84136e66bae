"""What an `EventSource` makes of a stream, by the letter of the HTML standard.

Does not know: HTTP, reconnecting.
"""

import re
from dataclasses import dataclass, field

_LINE_ENDS = re.compile(r"\r\n|\n|\r")


@dataclass
class EventSourceParser:
    """`messages` are (event, data, id) as they are dispatched; `last_id` is what a reconnect would send."""

    messages: list[tuple[str, str, str]] = field(default_factory=list)
    last_id: str = ""
    retry_ms: int | None = None
    _rest: str = ""
    _id: str = ""
    _event: str = ""
    _data: list[str] = field(default_factory=list)

    def feed(self, text: str) -> None:
        """More of the stream."""
        *lines, self._rest = _LINE_ENDS.split(self._rest + text)
        for line in lines:
            self._take(line)

    def _take(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "event":
            self._event = value
        elif name == "retry":
            self.retry_ms = int(value)

    def _dispatch(self) -> None:
        self.last_id = self._id
        if self._data:
            self.messages.append((self._event or "message", "\n".join(self._data), self._id))
        self._event, self._data = "", []

    @property
    def text(self) -> str:
        """What a page shows that adds up `onmessage` until `[DONE]`."""
        data = [data for event, data, _ in self.messages if event == "message"]
        return "".join(data[: data.index("[DONE]")] if "[DONE]" in data else data)

    @property
    def done(self) -> bool:
        return any(message[:2] == ("message", "[DONE]") for message in self.messages)
