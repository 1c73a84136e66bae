"""What all ways of Anthropic's Python SDK share: a client for a case, and a body as the arguments of a method.

Invariant: what the SDK has no argument for travels as it offers it, in `extra_body`; so nothing is left out.
"""

import inspect
from collections.abc import Callable
from typing import Any

from anthropic import Anthropic, AsyncAnthropic, DefaultAsyncHttpxClient, DefaultHttpxClient

from tests.clients.python.speaking import KEY, LIMIT_S, Asked
from tests.clients.python.threads import PerThread

# To read all certificates of the machine takes a client 30 ms, and none of these calls has use for one.
_http = PerThread(lambda: DefaultHttpxClient(verify=False, timeout=LIMIT_S))
_ASYNC_HTTP = DefaultAsyncHttpxClient(verify=False, timeout=LIMIT_S)


def client_of(asked: Asked) -> Anthropic:
    return Anthropic(http_client=_http(), **_options(asked))


def async_client_of(asked: Asked) -> AsyncAnthropic:
    return AsyncAnthropic(http_client=_ASYNC_HTTP, **_options(asked))


def arguments(method: Callable[..., Any], asked: Asked, **more: Any) -> dict[str, Any]:
    """The case's body, headers and query as the method takes them; `more` goes into the body."""
    known = inspect.signature(method).parameters
    body = {**asked["body"], **more}
    return {
        **{name: value for name, value in body.items() if name in known},
        **extras(asked),
        "extra_body": {name: value for name, value in body.items() if name not in known} or None,
    }


def extras(asked: Asked) -> dict[str, Any]:
    """Headers and query of a call that has no body."""
    return {"extra_headers": asked.get("headers"), "extra_query": asked.get("query")}


def _options(asked: Asked) -> dict[str, Any]:
    key = "auth_token" if asked.get("auth") == "bearer" else "api_key"
    return {"base_url": asked["base_url"], "max_retries": asked.get("max_retries", 0), "timeout": LIMIT_S, key: KEY}
