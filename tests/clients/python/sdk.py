"""The driver of Anthropic's Python SDK, in all the ways that it has of calling Claude."""

from anthropic import APIError, APIStatusError

from tests.clients.python.sdk_async import talk_async
from tests.clients.python.sdk_beta import run_tools, talk_beta
from tests.clients.python.sdk_helper import talk_helper
from tests.clients.python.sdk_raw import talk_raw
from tests.clients.python.sdk_sync import talk
from tests.clients.python.speaking import Outcome, plain_failure, speak

CLIENTS = {
    "anthropic": talk,
    "anthropic async": talk_async,
    "anthropic stream helper": talk_helper,
    "anthropic raw": talk_raw,
    "anthropic beta": talk_beta,
    "anthropic tool runner": run_tools,
}


def failure(error: Exception) -> Outcome:
    """An exception of the SDK, with all that it shows."""
    told = plain_failure(error)
    if isinstance(error, APIError):
        told["error"] |= {"type": getattr(error, "type", None), "body": error.body}
    if isinstance(error, APIStatusError):
        told["error"] |= {"status": error.status_code, "retry_after": error.response.headers.get("retry-after")}
        told["request_id"] = error.request_id is not None
    return told


if __name__ == "__main__":
    speak(CLIENTS, failure)
