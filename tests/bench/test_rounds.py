"""The order in which targets are measured."""

from dataclasses import dataclass, field

from bench.measure import Taken
from bench.rounds import take_rounds
from bench.target import Target


@dataclass
class Noted:
    """A measure that notes whom it met."""

    title: str
    met: list[str] = field(default_factory=list)

    async def take(self, target: Target) -> Taken:
        self.met.append(target.name)
        return Taken([len(self.met)])


async def test_targets_take_turns_and_the_turn_turns() -> None:
    """A B, B A, A B: no target is always the first."""
    measure = Noted("any")
    told: list[str] = []
    targets = [Target("A", "127.0.0.1", 1), Target("B", "127.0.0.1", 2)]
    results = await take_rounds([measure], targets, 3, told.append)
    assert measure.met == ["A", "B", "B", "A", "A", "B"]
    assert [taken.delays_ns for taken in results["any", "B"]] == [[2], [3], [6]]
    assert told[0] == "round 1 of 3: any, A"
