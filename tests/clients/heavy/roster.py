"""The heavy clients. What they need is installed by `make clients`, and by nothing else:
`npm ci` in this folder, and requirements.lock of this folder into .venv-clients.

Invariant: none of them runs, or is installed, with the rest of the suite.
Does not know: how a driver is run.
"""

import shutil
from pathlib import Path

from tests.clients.roster import Client, Driver

HERE = Path(__file__).resolve().parent
_PYTHON = HERE.parents[2] / ".venv-clients" / "bin" / "python"
_NO_LOOKUPS = {kind: "it has no such call" for kind in ("count_tokens", "models", "model")}
_OWN_WORDS = "it says only what it has words for"


def _node(file: str, package: str, client: Client) -> Driver:
    def ready() -> bool:
        return shutil.which("node") is not None and (HERE / "node_modules" / package).exists()

    return Driver(
        ("node", f"tests/clients/heavy/{file}"), (client,), "needs node and `make clients`", ready, heavy=True
    )


DRIVERS = (
    _node(
        "vercel.mjs",
        "ai",
        Client(
            "Vercel AI SDK",
            {
                "[?]beta=true*": _OWN_WORDS,
                "unknown fields*": _OWN_WORDS,
                "*refuses temperature": "it sends none to a model that it does not know",
            },
            _NO_LOOKUPS,
        ),
    ),
)
