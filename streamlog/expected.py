"""Jobs that are listened to before they exist.

Who submits a job and then listens to it has to read its log once, since something may have been said in between: a
subscription, a script and two turns of the loop for each job. Here channels are subscribed to ahead, many by one
command, under ids that later jobs are given.
Invariant: a listener that is given away was confirmed before its id was used, on a connection that has stood since: it
has missed nothing. Whatever is not used is let go of.
Does not know: what is submitted, who follows.
"""

from collections import deque
from dataclasses import dataclass

from streamlog.hub import Hub, Listener
from streamlog.jobs import new_job_id

_AHEAD = 128
_FEWEST = 64
_MOST_PROMISED = 1024  # ids that were taken; whoever takes one comes for its listener, or says that it will not


@dataclass(frozen=True, slots=True)
class _Ear:
    job_id: str
    listener: Listener
    losses: int  # of the hub's connection, before it was asked for


class Expected:
    """Of one hub. Without pub/sub there is nothing to listen to, and ids are just new."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._ahead: deque[_Ear] = deque()
        self._promised: dict[str, Listener] = {}

    def take(self) -> str:
        """The id for a new job. `listener` or `dismiss` must follow."""
        ear = self._confirmed()
        if len(self._ahead) < _FEWEST and self._hub.connected:
            self._listen_ahead()
        if ear is None:
            return new_job_id()
        if len(self._promised) >= _MOST_PROMISED:
            self.dismiss(next(iter(self._promised)))
        ear.listener.reason = None
        ear.listener.wake.clear()
        self._promised[ear.job_id] = ear.listener
        return ear.job_id

    def listener(self, job_id: str) -> Listener | None:
        """What listens to this job since before it was there; None if nothing does."""
        return self._promised.pop(job_id, None)

    def dismiss(self, job_id: str) -> None:
        """Nobody will follow this job from here."""
        listener = self._promised.pop(job_id, None)
        if listener is not None:
            self._hub.unlisten(job_id, listener)

    def _confirmed(self) -> _Ear | None:
        while self._ahead:
            ear = self._ahead[0]
            if ear.losses == self._hub.losses:
                return self._ahead.popleft() if ear.listener.reason else None
            self._hub.unlisten(ear.job_id, ear.listener)
            self._ahead.popleft()
        return None

    def _listen_ahead(self) -> None:
        while len(self._ahead) < _AHEAD:
            job_id = new_job_id()
            self._ahead.append(_Ear(job_id, self._hub.listen(job_id), self._hub.losses))
