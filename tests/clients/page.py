"""The table of docs/clients.md: cases × clients, as a run of all of them found it.

Does not know: how a cell comes about.
"""

from collections.abc import Mapping
from pathlib import Path

from tests.clients.cases import CASES
from tests.clients.roster import drivers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "clients.md"
_BEGIN, _END = "<!-- table: make clients -->\n", "<!-- end of table -->\n"


def write_table(cells: Mapping[tuple[str, str], str]) -> None:
    """Put a run's findings into the page. Raises KeyError if the run left out a client or a case."""
    before, _, rest = PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    PAGE.write_text(f"{before}{_BEGIN}{rendered(cells)}{_END}{after}")


def table() -> str:
    """What stands in the page between the marks."""
    return PAGE.read_text().partition(_BEGIN)[2].partition(_END)[0]


def rendered(cells: Mapping[tuple[str, str], str]) -> str:
    """The table and, below it, why a client cannot do what."""
    clients = [client for driver in drivers() for client in driver.clients]
    head = ["case", *(client.name for client in clients)]
    rows = [[case.name, *(cells[client.name, case.name] for client in clients)] for case in CASES]
    lines = [head, ["---", *(":-:" for _ in clients)], *rows]
    reasons: dict[str, list[str]] = {}
    for client in clients:
        for reason in {reason: None for case in CASES if (reason := client.reason_against(case.name, case.kind))}:
            reasons.setdefault(reason, []).append(client.name)
    notes = [f"- {', '.join(names)}: {reason}." for reason, names in reasons.items()]
    return "\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n\n" + "\n".join(notes) + "\n"
