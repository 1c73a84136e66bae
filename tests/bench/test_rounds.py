"""The order in which targets are measured, and what becomes of a failure."""

from dataclasses import dataclass, field

from bench.failure import BenchFailed
from bench.measure import Taken
from bench.rounds import take_rounds
from bench.target import Target

A, B = Target("A", "127.0.0.1", 1), Target("B", "127.0.0.1", 2)


@dataclass
class Noted:
    """A measure that notes whom it met, and fails the second time that it meets B."""

    title: str
    met: list[str] = field(default_factory=list)

    async def take(self, target: Target) -> Taken:
        self.met.append(target.name)
        if self.met.count("B") == 2 and target is B:
            raise BenchFailed("no answer")
        return Taken({"row": len(self.met)})


async def test_targets_take_turns_and_the_turn_turns() -> None:
    """A B, B A, A B: no target is always the first; a failure is told and fails nothing else."""
    measure = Noted("any")
    told: list[str] = []
    results = await take_rounds([measure], [A, B], 3, told.append)
    assert measure.met == ["A", "B", "B", "A", "A", "B"]
    assert results.rounds("row", "A") == [1, 4, 5]
    assert results.rounds("row", "B") == [2, 6]
    assert results.failed == ["round 2 of 3: any, B: no answer"]
    assert told[0] == "round 1 of 3: any, A"
    assert results.failed[0] in told
