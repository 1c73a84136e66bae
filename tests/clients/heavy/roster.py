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
_NO_LOOKUPS = dict.fromkeys(("count_tokens", "models", "model"), "it has no such call")
_OWN_WORDS = "it says only what it has words for"


def _node(file: str, package: str, client: Client) -> Driver:
    def ready() -> bool:
        return shutil.which("node") is not None and (HERE / "node_modules" / package).exists()

    return Driver(
        ("node", f"tests/clients/heavy/{file}"), (client,), "needs node and `make clients`", ready, heavy=True
    )


def _python(module: str, package: str, client: Client) -> Driver:
    def ready() -> bool:
        return any(_PYTHON.parents[1].glob(f"lib/*/site-packages/{package}"))

    command = (str(_PYTHON), "-m", f"tests.clients.heavy.{module}")
    return Driver(command, (client,), "needs `make clients`", ready, heavy=True)


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
    _python(
        "litellm_client",
        "litellm",
        Client(
            "litellm",
            {
                "[?]beta=true*": _OWN_WORDS,
                "key as Bearer*": "it sends a key as `x-api-key` alone",
                "eight unknown betas*": "it sends no beta that it does not know",
                "version 2026-10-21*": "it speaks `2023-06-01` alone",
                "end without message_stop": "it stops reading at the stop reason",
                "???, then a*": "its retries fail again without another call",
            },
            _NO_LOOKUPS,
        ),
    ),
    _python(
        "pydantic_ai_client",
        "pydantic_ai",
        Client("pydantic-ai", cannot_kinds=dict.fromkeys(("models", "model"), "it has no such call")),
    ),
)
