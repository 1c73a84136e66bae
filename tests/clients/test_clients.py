"""Every client sees through a gateway what it sees when it asks the simulator directly, case by case."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.cases import CASES, Case
from tests.clients.conftest import Cells
from tests.clients.roster import Client, Driver, drivers
from tests.clients.running import Outcome, Ran, Targets, asked_of, label
from tests.support.facts import fact

_SAME, _NAMED, _CANNOT = "✓", "≠", "-"


def _rows() -> Iterator[Any]:
    for driver in drivers():
        marks = [pytest.mark.heavy_clients] if driver.heavy else []
        for client in driver.clients:
            for case in CASES:
                yield pytest.param(driver, client, case, id=f"{client.name}: {case.name}", marks=marks)


@pytest.mark.parametrize(("driver", "client", "case"), list(_rows()))
def test_same_through_sluice(
    driver: Driver,
    client: Client,
    case: Case,
    ran: Callable[[Driver], Ran],
    targets: Targets,
    cells: Cells,
) -> None:
    """Same outcome, same request upstream; a cut alone may differ, and is an error through a gateway."""
    if client.reason_against(case.name, case.kind):
        cells[client.name, case.name] = _CANNOT
        return
    if not driver.ready():
        pytest.skip(driver.needs)
    found, name = ran(driver), label(client, case)
    direct, through = found.outcomes[f"direct {name}"], found.outcomes[f"through {name}"]
    _check_direct(case, direct)
    _check_additions(case, direct, through)
    if case.cut:
        assert "broke off" in json.dumps(through.get("error")), f"not a named end: {through}"
    else:
        assert through == direct
    assert _requests(case, found.calls[f"through {name}"]) == _requests(case, found.calls[f"direct {name}"]) != []
    if case.kind == "cancel":
        asyncio.run(_cancelled(targets, name))
    cells[client.name, case.name] = _SAME if through == direct else _NAMED


def _check_direct(case: Case, outcome: Outcome) -> None:
    """Without a gateway the client does what the case is about: else two equal failures would pass."""
    if "error" not in case.shows and not case.cut:
        assert "error" not in outcome, outcome
    for name in case.shows:
        assert outcome.get(name), f"{name} is missing: {outcome}"
    shown = outcome | outcome.get("error", {})
    assert {name: shown[name] for name in case.values if name in shown} == {
        name: value for name, value in case.values.items() if name in shown
    }


def _check_additions(case: Case, direct: Outcome, through: Outcome) -> None:
    """Take away what a gateway cannot give, or gives in addition, and what is left must be the same.

    Its head may go out before the upstream has been asked, and then has no word of the upstream's head. And it has a
    request id where an upstream's middle box gave none.
    """
    for outcome in (direct, through, *direct.get("parts", ()), *through.get("parts", ())) if case.waits else ():
        outcome.pop("headers", None)
    if not direct.get("request_id"):
        direct.pop("request_id", None)
        through.pop("request_id", None)


def _requests(case: Case, calls: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """What was asked, each once: a worker may repeat a call before content, and so may a client."""
    asked = {
        (
            call["method"],
            call["path"],
            tuple(sorted((name, value) for name, value in call["headers"].items() if name.startswith("anthropic-"))),
            call["body_size"],
            # The second turn of a conversation repeats the random ids of the first.
            "" if case.kind == "tool_loop" else call["body_sha256"],
        )
        for call in calls
    }
    return sorted(asked)


async def _cancelled(targets: Targets, name: str) -> None:
    """The upstream call is closed when its client leaves, through a gateway, too."""
    for url in (targets.direct_url, targets.upstream_url):

        async def left(url: str = url) -> bool | None:
            endings = [call["ending"] for call in asked_of(url, label=name)]
            return endings == ["client_closed"] or None

        await fact(left, 15.0)
