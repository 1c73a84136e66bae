import itertools
import json
from collections.abc import Callable, Iterator

import pytest

from cli.answer import AnswerError
from cli.client import Client
from cli.stream import TRIES, Unreachable
from tests.cli.events import JOB, answer, event
from tests.cli.scripted_server import Reply, ScriptedServer

Serve = Callable[..., ScriptedServer]
_NAMED = {"sluice-job-id": JOB}


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts scripted servers."""
    started: list[ScriptedServer] = []

    def start(*replies: Reply) -> ScriptedServer:
        started.append(ScriptedServer(*replies))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, and took no time."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made


def _data(server: ScriptedServer, key: str = "") -> list[str]:
    with Client(server.url, key) as client, client.stream({"model": "m"}) as stream:
        return [event.data for event in stream]


def _expected() -> list[str]:
    return [line.partition("data: ")[2] for raw in answer() for line in raw.decode().splitlines() if "data: " in line]


def test_a_call_streams_with_the_key_and_the_version(serve: Serve) -> None:
    """One POST, the body as given and `stream` true."""
    server = serve(Reply(b"".join(answer()), headers=_NAMED))
    assert _data(server, key="secret") == _expected()
    (request,) = server.requests
    assert request.line == "POST /v1/messages"
    assert json.loads(request.body) == {"model": "m", "stream": True}
    assert request.headers["x-api-key"] == "secret"
    assert request.headers["anthropic-version"] == "2023-06-01"


def test_without_a_key_none_is_sent(serve: Serve) -> None:
    """An empty key is no key."""
    server = serve(Reply(b"".join(answer()), headers=_NAMED))
    _data(server)
    assert "x-api-key" not in server.requests[0].headers


@pytest.mark.parametrize("after", range(len(answer())))
@pytest.mark.parametrize("cut", [True, False])
def test_a_cut_after_any_event_is_followed_up(after: int, cut: bool, serve: Serve) -> None:
    """Whether reset or ended without an ending: the rest comes from the last position, and nothing twice."""
    events = answer()
    server = serve(
        Reply(b"".join(events[:after]), headers=_NAMED, cut=cut), Reply(b"".join(events[after:]), headers=_NAMED)
    )
    assert _data(server) == _expected()
    first, second = server.requests
    assert (first.line, second.line) == ("POST /v1/messages", f"GET /v1/jobs/{JOB}/events")
    numbers = [number for raw in events[:after] if (number := _number(raw))]
    assert second.headers.get("last-event-id") == (f"{JOB}:7-{numbers[-1]}" if numbers else None)


def _number(raw: bytes) -> str:
    return raw.split(b"\n")[0].decode().partition(f"{JOB}:7-")[2]


def test_a_follow_up_that_brings_only_a_ping_loses_no_position(serve: Serve) -> None:
    """A ping has no id; the one after it must not begin at the start, or text comes twice."""
    events = answer()
    server = serve(
        Reply(b"".join(events[:4]), headers=_NAMED, cut=True),
        Reply(event("ping"), headers=_NAMED, cut=True),
        Reply(b"".join(events[4:]), headers=_NAMED),
    )
    assert [data for data in _data(server) if "ping" not in data] == [d for d in _expected() if "ping" not in d]
    assert [request.headers.get("last-event-id") for request in server.requests[1:]] == [f"{JOB}:7-3"] * 2


def test_half_an_event_is_none(serve: Serve) -> None:
    """What a cut leaves of an event is dropped; the follow-up brings it whole."""
    raw = b"".join(answer())
    middle = raw.index(b"Hello") + 3
    start = raw.index(f"id: {JOB}:7-3".encode())
    server = serve(Reply(raw[:middle], headers=_NAMED, cut=True), Reply(raw[start:], headers=_NAMED))
    assert _data(server) == _expected()


def test_only_line_ends_of_the_protocol_split_lines(serve: Serve) -> None:
    """CRLF, CR and LF do; U+2028, U+0085 and the like are text."""
    text = "a\N{LINE SEPARATOR}b\x85c\N{PARAGRAPH SEPARATOR}d"
    raw = f'id: {JOB}:7-1\r\nevent: content_block_delta\rdata: "{text}"\n\r\nevent: message_stop\ndata: {{}}\n\n'
    server = serve(Reply(raw.encode(), headers=_NAMED))
    assert _data(server) == [f'"{text}"', "{}"]


def test_it_gives_up_after_so_many_tries_without_progress(serve: Serve, pauses: list[float]) -> None:
    """The pauses between them grow up to a limit."""
    first = Reply(b"".join(answer()[:4]), headers=_NAMED, cut=True)
    server = serve(first, *itertools.repeat(Reply(headers=_NAMED, cut=True), 20))
    with pytest.raises(Unreachable, match=r"lost the connection to http://.* in mid-answer"):
        _data(server)
    assert len(server.requests) == 1 + TRIES
    assert pauses == [0.2, 0.4, 0.8, 1.6, *[3.0] * 6]


def test_every_new_event_gives_it_all_its_tries_again(serve: Serve) -> None:
    """A bad line that brings one event a connection still brings the whole answer."""
    events = [raw for raw in answer() if b"id: " in raw]
    middle = itertools.chain.from_iterable(
        (*itertools.repeat(Reply(headers=_NAMED, cut=True), TRIES - 1), Reply(raw, headers=_NAMED, cut=True))
        for raw in events[1:]
    )
    server = serve(Reply(events[0], headers=_NAMED, cut=True), *middle)
    assert len(_data(server)) == len(events)


def test_a_server_that_is_away_for_a_moment_is_asked_again(serve: Serve) -> None:
    """429 and 5xx to a follow-up may pass."""
    events = answer()
    server = serve(
        Reply(b"".join(events[:4]), headers=_NAMED, cut=True),
        Reply(status=503, body=b"{}"),
        Reply(status=429, body=b"{}"),
        Reply(b"".join(events[4:]), headers=_NAMED),
    )
    assert _data(server) == _expected()


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(status=204), "has nothing more of it"),
        (Reply(status=404, body=b'{"error": {"type": "not_found_error", "message": "no such job"}}'), "no such job"),
    ],
)
def test_a_rest_that_is_gone_is_an_error(reply: Reply, why: str, serve: Serve) -> None:
    """It is not asked for again, and never taken for a complete answer."""
    server = serve(Reply(b"".join(answer()[:4]), headers=_NAMED, cut=True), reply)
    with pytest.raises(AnswerError, match=why):
        _data(server)
    assert len(server.requests) == 2


def test_a_refusal_is_told_with_its_status(serve: Serve) -> None:
    """The server's words; the request is not sent twice, not even after a 529."""
    body = b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_1"}'
    server = serve(Reply(body, status=529, headers={"content-type": "application/json"}))
    with pytest.raises(AnswerError, match=r"^overloaded_error: Overloaded \(request req_1\) \(HTTP 529\)$"):
        _data(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"x" * 200_000])
def test_a_refusal_without_words_is_told_too(body: bytes, serve: Serve) -> None:
    """Whatever its body is, and however long."""
    with pytest.raises(AnswerError, match=r"^the server refused \(HTTP 502\)$"):
        _data(serve(Reply(body, status=502)))


def test_an_answer_that_is_no_stream_is_told(serve: Serve) -> None:
    """Some other server listens there."""
    with pytest.raises(AnswerError, match="does not speak like a Sluice"):
        _data(serve(Reply(b"<html>", headers={"content-type": "text/html"})))


def test_a_server_that_is_not_there_is_unreachable(serve: Serve) -> None:
    """Nothing listens."""
    server = serve()
    server.close()
    with pytest.raises(Unreachable, match=f"cannot reach {server.url}"):
        _data(server)


def test_a_request_that_was_never_answered_is_not_sent_again(serve: Serve) -> None:
    """Nobody knows whether it was taken: twice could be paid twice."""
    server = serve(Reply(status=200, cut=True), Reply(b"".join(answer()), headers=_NAMED))
    with pytest.raises(Unreachable):
        _data(server)
    assert len(server.requests) == 1


def test_an_error_event_ends_the_stream(serve: Serve) -> None:
    """It is an ending like the other one: nothing is followed up."""
    server = serve(Reply(answer()[0] + event("error", 2, error={}), headers=_NAMED, cut=True))
    assert json.loads(_data(server)[-1])["type"] == "error"
    assert len(server.requests) == 1


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://host", "http://", "http://[::1", ""])
def test_what_is_no_http_url_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ValueError, match=r"is not an? "):
        Client(url)


def test_a_proxy_has_no_part_in_loopback(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for the outside does not know this machine's 127.0.0.1."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert _data(serve(Reply(b"".join(answer()), headers=_NAMED))) == _expected()
