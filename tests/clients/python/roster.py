"""The Python clients, and curl."""

import shutil
import sys
from importlib.util import find_spec

from tests.clients.roster import Client, Driver

_LOOK_UPS = ("count_tokens", "models", "model")
_STREAMS_ONLY = dict.fromkeys(("message", *_LOOK_UPS), "it is there for streams")
_NO_LOOPS = dict.fromkeys(("tool_loop", "cancel", "parallel"), "calls are made one by one here")
_LOOPS_ONLY = dict.fromkeys(("message", "stream", "cancel", "parallel", *_LOOK_UPS), "it is there for tools in a loop")
_NO_MODELS = dict.fromkeys(("models", "model"), "it has no call for models")
_ASYNC = dict.fromkeys(("tool_loop", "cancel", "count_tokens"), "what differs from its other calls is done here")
_LANGCHAIN = {
    "key as Bearer*": "it takes an API key only",
    "stream false, accepts events": "it decides by the call, not by the body",
}
_NO_RETRIES = dict.fromkeys(("429, then an answer", "529, then a stream"), "it has no retries")
_CURL = {"529, then a stream": "it repeats a call on the statuses that it knows, and 529 is none of them"}


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
        Client("anthropic tool runner", cannot_kinds=_LOOPS_ONLY),
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
        (
            Client(
                "curl",
                cannot={
                    "529, then a stream": "it repeats a call on the statuses that it knows, and 529 is none of them"
                },
            ),
        ),
        "needs curl",
        lambda: shutil.which("curl") is not None,
    ),
)
