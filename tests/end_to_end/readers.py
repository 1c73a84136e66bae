"""A client that loses its connection and comes back with the last position it has processed."""

from time import monotonic

from tests.support.api import Api
from tests.support.sse import Event

ENDINGS = ("message_stop", "error")


class Reader:
    """Follows one job over any number of connections. `frames` is what it has processed."""

    def __init__(self, api: Api, job_id: str) -> None:
        self._api = api
        self.job_id = job_id
        self.frames: list[Event] = []
        self.arrived: list[float] = []  # time.monotonic() of each frame
        self.cuts = 0

    @property
    def last_id(self) -> str:
        return self.frames[-1].id if self.frames else ""

    def take(self, event: Event) -> None:
        self.frames.append(event)
        self.arrived.append(monotonic())

    async def read(self, most: int) -> None:
        """Connect, process `most` frames, and cut the connection; what else has arrived by then is thrown away."""
        async with self._api.follow(self.job_id, self.last_id) as stream:
            left = most
            while left:
                event = await anext(stream)
                if event.id:
                    self.take(event)
                    left -= 1
        self.cuts += 1

    async def read_to_the_end(self) -> None:
        """Connect, and process frames up to the end of the response."""
        async with self._api.follow(self.job_id, self.last_id) as stream:
            async for event in stream:
                if event.id:
                    self.take(event)
        assert self.frames[-1].name in ENDINGS, "the stream ended without an ending"

    @property
    def bytes(self) -> bytes:
        return b"".join(frame.raw for frame in self.frames)
