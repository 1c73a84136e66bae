"""The heavy clients. What they need is installed by `make clients`, and by nothing else:
`npm ci` in this folder, and requirements.lock of this folder into .venv-clients.

Invariant: none of them runs, or is installed, with the rest of the suite.
Does not know: how a driver is run.
"""

import shutil
import sys
from pathlib import Path

from tests.clients.cases import CASES
from tests.clients.heavy.claude_code import CLAUDE
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


_CLAUDE_CODE_CAN = (
    "text",
    "text, streamed",
    "long text, streamed",
    "multi-byte text, streamed",
    "thinking, streamed",
    "redacted thinking, streamed",
    "server tools, streamed",
    "cache usage",
    "empty answer",
    "one byte a write",
    "slow first token",
    "eight unknown betas",
    "key as Bearer, streamed",
    "tool loop",
    "stream left in the middle",
    "429, then an answer",
    "529, then a stream",
    *("400", "401", "402", "403", "404", "413", "429", "500", "502", "529", "502, a page"),
    "500 in mid-stream",
    "529 in mid-stream",
    "cut in mid-stream",
)


def _claude_code() -> Driver:
    """What it is asked is its own: of a case it takes the prompt, the model, the system prompt, headers and key."""
    cannot = {case.name: "print mode cannot ask for it" for case in CASES if case.name not in _CLAUDE_CODE_CAN}
    return Driver(
        (sys.executable, "-m", "tests.clients.heavy.claude_code"),
        (Client("Claude Code", cannot),),
        "needs node and `make clients`",
        CLAUDE.exists,
        heavy=True,
    )


DRIVERS = (
    _claude_code(),
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
        Client(
            "pydantic-ai",
            cannot_kinds={
                **dict.fromkeys(("models", "model"), "it has no such call"),
                "count_tokens": "its call does not say whose it is, so the suite cannot find it upstream",
            },
        ),
    ),
)
