"""The ledger's limits, and what it does not keep."""

import hashlib

import httpx2

from simulator import ledger
from simulator.http import HttpRequest
from simulator.ledger import Ledger
from tests.simulator.calls import calls

REQUEST = HttpRequest(
    method="POST",
    path="/v1/messages",
    query="beta=true",
    headers={"x-api-key": "sk-ant-secret-secret", "authorization": "Bearer secret-secret", "a": "b"},
    body=b"{}",
    body_size=2,
    too_large=False,
    arrived_s=1.5,
)


def test_the_ring_is_bounded() -> None:
    """Only the newest calls are kept, and none of the open ones is lost from the count."""
    book = Ledger()
    for _ in range(ledger.MAX_CALLS + 5):
        book.open(REQUEST)
    kept = book.newest(2 * ledger.MAX_CALLS)
    assert len(kept) == ledger.MAX_CALLS
    assert kept[-1].index == ledger.MAX_CALLS + 4
    assert book.open_count == ledger.MAX_CALLS + 5


def test_conversations_are_bounded() -> None:
    """The conversation that called least recently is forgotten first."""
    book = Ledger()
    for number in range(ledger.MAX_CONVERSATIONS):
        assert book.earlier_calls(str(number)) == 0
    assert book.earlier_calls("0") == 1
    assert book.earlier_calls("new") == 0
    assert book.earlier_calls("0") == 2
    assert book.earlier_calls("1") == 0


def test_keys_are_shortened() -> None:
    """No key is kept whole, other headers are."""
    call = Ledger().open(REQUEST)
    assert call.headers == {"x-api-key": "sk-ant-s…", "authorization": "Bearer s…", "a": "b"}


def test_the_body_is_known_by_its_hash() -> None:
    """The hash and the size tell whether a body arrived unchanged."""
    call = Ledger().open(REQUEST)
    assert call.body_sha256 == hashlib.sha256(b"{}").hexdigest()
    assert (call.body_size, call.started) == (2, 1.5)


def test_the_request_line_is_kept() -> None:
    """The method, and the path with its query as they arrived."""
    call = Ledger().open(REQUEST)
    assert (call.method, call.path) == ("POST", "/v1/messages?beta=true")


async def test_refused_calls_are_seen(http: httpx2.AsyncClient) -> None:
    """A call that the checks refuse is in the ledger too, closed."""
    await http.post("/v1/messages", content=b"{")
    (call,) = await calls(http)
    assert (call["status"], call["ending"], call["model"], call["events"]) == (400, "error", None, 0)
