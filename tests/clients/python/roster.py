"""The Python clients, and curl."""

import shutil
import sys
from importlib.util import find_spec

from tests.clients.roster import Client, Driver

_STREAMS_ONLY = {
    kind: "it is there for streams" for kind in ("message", "count_tokens", "models", "model")
}
_NO_LOOPS = {kind: "calls are made one by one here" for kind in ("tool_loop", "cancel", "parallel")}
_TOOLS_ONLY = {
    kind: "it runs tools in a loop, and nothing else"
    for kind in ("message", "stream", "cancel", "parallel", "count_tokens", "models", "model")
}
_NO_MODELS = dict.fromkeys(("models", "model"), "it has no call for models")
_LANGCHAIN = {
    "key as Bearer*": "it takes an API key only",
    "stream false, accepts events": "it decides by the call, not by the body",
}
_ASYNC = dict.fromkeys(("tool_loop", "cancel", "count_tokens"), "what differs from its other calls is done here")
_NO_RETRIES = {"429, then an answer": "it has no retries", "529, then a stream": "it has no retries"}


def _python(module: str, *clients: Client, needs: str) -> Driver:
    command = (sys.executable, "-m", f"tests.clients.python.{module}")
    return Driver(command, clients, f"needs {needs}", lambda: find_spec(needs) is not None)


DRIVERS = (
    _python(
        "sdk",
        Client("anthropic"),
        Client("anthropic async"),
        Client("anthropic stream helper", cannot_kinds=_STREAMS_ONLY),
        Client("anthropic raw", cannot_kinds=_NO_LOOPS),
        Client("anthropic beta", cannot_kinds=_NO_LOOPS),
        Client("anthropic tool runner", cannot_kinds=_TOOLS_ONLY),
        needs="anthropic",
    ),
    _python(
        "chat_anthropic",
        Client("langchain", cannot_kinds=_NO_MODELS, cannot=_LANGCHAIN),
        Client("langchain async", cannot_kinds=_NO_MODELS | _ASYNC, cannot=_LANGCHAIN),
        needs="langchain_anthropic",
    ),
    _python("sse_client", Client("httpx-sse", cannot=_NO_RETRIES), needs="httpx_sse"),
    Driver(
        (sys.executable, "-m", "tests.clients.python.curl"),
        (Client("curl", cannot={"529, then a stream": "it repeats a call on the statuses that it knows, and 529 is none of them"}),),
        "needs curl",
        lambda: shutil.which("curl") is not None,
    ),
)
