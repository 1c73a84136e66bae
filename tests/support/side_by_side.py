"""Which tests may run at the same time, when two processes share them: those of different rooms.

Invariant: the tests of a room run in one process, one after another; the rooms that are `ALONE` begin when all else is
over, so that what they measure is not a neighbour's work.
Does not know: what is tested.
"""

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # the package says no types
from xdist.workermanage import WorkerController  # type: ignore[import-untyped]  # the same

ALONE = "alone"
_UP = "cli"
# Many processes at once, or limits in milliseconds.
_ALONE = frozenset(("faults", "test_death.py", "test_in_flight.py", "test_resume.py", "test_scale.py"))
# Two of `sluice up` that start together would take the same free ports for their workers' metrics: README's, bench's.
_WITH_UP = ("bench",)
# The longest come first, so that both processes are done at about the same time; what is not named comes after them.
_LONGEST = ("streamlog", "gateway", "end_to_end", _UP, "page", "worker", "clients", "openapi")


def room(nodeid: str) -> str:
    """What a test runs in turn with: its directory and what goes together with that; a file beside them is with cli."""
    parts = PurePath(nodeid.split("::")[0]).parts
    name = parts[1] if len(parts) > 2 else _UP
    if not _ALONE.isdisjoint(parts):
        return ALONE
    return _UP if name in _WITH_UP else name


def arrange(items: list[pytest.Item]) -> None:
    """Put the tests in the order in which their rooms begin; within a room all stays as it was."""
    place = {name: number for number, name in enumerate(_LONGEST)} | {ALONE: len(items) + len(_LONGEST)}
    items.sort(key=lambda item: place.get(room(item.nodeid), len(_LONGEST)))


class RoomScheduling(LoadScopeScheduling):  # type: ignore[misc]  # the same
    """Gives each process whole rooms, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return room(nodeid)

    def schedule(self) -> None:
        """Without a second room to run there is no second process."""
        self.config.option.loadscopereorder = False
        if self.collection is None:
            collected = next(iter(self.registered_collections.values()))
            rooms = {room(nodeid) for nodeid in collected} - {ALONE}
            for node in self.nodes[max(1, len(rooms)) :]:
                del self.assigned_work[node]
                node.shutdown()
        super().schedule()

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:
        super().mark_test_complete(node, item_index, duration)
        if self._comes_alone():
            for other in self.nodes:
                self._reschedule(other)

    def _reschedule(self, node: WorkerController) -> None:
        others = [other for other in self.nodes if other is not node]
        if self._comes_alone() and not node.shutting_down:
            if not all(other.shutting_down for other in others):
                node.shutdown()  # it ends when it has done what it was given; the last one goes on
                return
            if any(self._pending_of(self.assigned_work[other]) for other in others):
                return
        super()._reschedule(node)

    def _comes_alone(self) -> bool:
        return bool(next(iter(self.workqueue), "") == ALONE)
