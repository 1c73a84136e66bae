"""One job, from its claim to its ending: call Claude, write what it says.

Invariant: it ends its job by name or leaves it to the sweep, and raises nothing but cancellation. Before content an
upstream call may be repeated; from the first content on there is no other answer.
Does not know: arq, the queue, the lease (the writer's fence does), how Claude is reached (`upstream` does).
"""

import asyncio
import itertools
import json
import logging
import re
from time import monotonic
from typing import Any

import msgspec

from streamlog.claims import Claim
from streamlog.errors import CODES, STATUS_BY_TYPE, SluiceError, error_body, error_event, is_error_body
from streamlog.jobs import Request
from streamlog.lifecycle import State
from streamlog.log import StreamLog
from streamlog.redis_link import LINK_ERRORS
from streamlog.writer import Refused, Writer
from telemetry import announce, facts
from worker.reading import Reading
from worker.retries import Refusal, UpstreamFailed, wait_before_retry_s
from worker.settings import WorkerSettings
from worker.streaming import Streaming
from worker.upstream import Answer, Upstream

_log = logging.getLogger("sluice.worker")
_CALL = re.compile(
    r"(POST /v1/messages(/count_tokens)?|GET /v1/models(/[A-Za-z0-9][A-Za-z0-9._:@-]{0,255})?)(\?[^\x00-\x20\x7f]*)?"
)
_NOTED_AFTER_S = 0.1
# What Anthropic's own limits count: https://docs.claude.com/en/api/rate-limits (cache reads are free for most models).
_COUNTED = ("input_tokens", "cache_creation_input_tokens", "output_tokens")


async def generate(
    log: StreamLog, upstream: Upstream, settings: WorkerSettings, claim: Claim, writer: Writer, run_limit_s: float
) -> None:
    """Run one claim to its end. Raises only `asyncio.CancelledError`."""
    code = "worker_failed"
    try:
        async with asyncio.timeout(run_limit_s) as limit:
            body = claim.body if claim.body is not None else await log.body(claim.job_id)
            request = _request(claim, body)
            if request is not None:
                await Generation(upstream, settings, claim, writer, request).run()
                return
            code = "request_lost"
    except Refused as refused:
        if refused.why != "lost" or not writer.begun:
            return  # it is another's now, or over, or will be run again
        code = "stream_lost"
    except LINK_ERRORS as error:
        if not limit.expired():
            _log.warning("job %s left to the sweep: %s", claim.job_id, type(error).__name__)
            return
        code = "run_timeout"
    except SluiceError as error:
        code = error.code
    except Exception:
        _log.exception("job %s failed", claim.job_id)
    await end_by_name(log, claim, State.FAILED, code)


async def end_by_name(log: StreamLog, claim: Claim, state: State, code: str) -> None:
    """End a claimed job from outside its writer. If Redis cannot be reached, the sweep will."""
    try:
        ended = await log.end(claim.job_id, claim.attempt, state, code)
    except LINK_ERRORS:
        return
    if ended is not None:
        announce(facts.JobEnded(ended.model, state.value, ended.duration_s))


class Generation:
    """The calls of one attempt."""

    def __init__(
        self,
        upstream: Upstream,
        settings: WorkerSettings,
        claim: Claim,
        writer: Writer,
        request: Request,
    ) -> None:
        self._upstream = upstream
        self._settings = settings
        self._writer = writer
        self._request = request
        self._request_id = claim.request_id
        self._hold_ends = monotonic() + claim.hold_left_s
        self._reading = Reading()
        self._answered = False
        self._used_before = 0  # by calls that were repeated

    async def run(self) -> None:
        """Call until the job has ended: once, or again after a failure before content."""
        for calls in itertools.count(1):
            self._reading, self._answered = Reading(), False
            try:
                await self._call()
                return
            except UpstreamFailed as failed:
                if not self._answered:
                    announce(facts.UpstreamAnswered(failed.refusal.status if failed.refusal else "error"))
                wait_s = None if self._writer.begun else self._wait_s(failed, calls)
                if wait_s is None:
                    await self._fail(failed)
                    return
            finally:
                self._announce_usage()
            await asyncio.sleep(wait_s)

    async def _call(self) -> None:
        called = monotonic()
        async with self._upstream.open(self._request) as answer:
            self._answered = True
            announce(facts.UpstreamAnswered(200))
            self._writer.head = msgspec.json.encode({"status": 200, "headers": answer.headers})
            # It goes with the first content; a client that has to be answered before that wants it, and can wait a bit.
            noted = asyncio.get_running_loop().call_later(_NOTED_AFTER_S, self._note_head)
            try:
                await (self._stream(answer, called) if self._request.stream else self._whole(answer))
            finally:
                noted.cancel()

    def _note_head(self) -> None:
        if not self._writer.begun:
            self._writer.note(["response", self._writer.head])

    async def _stream(self, answer: Answer, called: float) -> None:
        """Read, write, until the message is complete."""
        most_bytes = self._settings.answer_bytes
        streaming = Streaming(self._reading, self._writer, self._request.model, called, most_bytes)
        try:
            await self._until_complete(answer, streaming)
        finally:
            streaming.tell()

    async def _until_complete(self, answer: Answer, streaming: Streaming) -> None:
        reading, writer = self._reading, self._writer
        unknown = True
        while (events := await streaming.next(answer)) is not None:
            if not events and unknown and reading.usage:
                writer.note(self._usage_field())  # paid for by its owner, also if nobody waits for the first content
            unknown = not reading.usage
            if reading.complete:
                await self._end(events, State.DONE, "", [])
                await answer.drain()
                return
            if events:
                await (writer.send(events) if writer.begun else writer.write(events, fields=self._usage_field()))
            if reading.garbled:
                raise UpstreamFailed("upstream_garbled")
            if reading.error is not None:
                raise UpstreamFailed("upstream_error", refusal=_refusal_of(reading.error, answer.headers))
        raise UpstreamFailed("upstream_cut")

    async def _whole(self, answer: Answer) -> None:
        body = await self._whole_body(answer)
        try:
            usage = json.loads(body).get("usage")
        except (ValueError, AttributeError) as error:
            raise UpstreamFailed("upstream_garbled", paid=True) from error
        self._reading.usage, self._reading.usage_final = usage if isinstance(usage, dict) else {}, True
        self._announce_end(await self._writer.write_whole(body, self._usage_field()), State.DONE)

    async def _whole_body(self, answer: Answer) -> bytes:
        """Silence is the rule before the head of a whole message, and a stall after it."""
        loop, idle_s = asyncio.get_running_loop(), self._settings.upstream_idle_s
        parts, size = [], 0
        try:
            async with asyncio.timeout(idle_s) as silence:
                while read := await answer.read():
                    silence.reschedule(loop.time() + idle_s)
                    parts.append(read)
                    size += len(read)
                    if size > self._settings.answer_bytes:
                        raise UpstreamFailed("answer_too_large")
        except TimeoutError:
            raise UpstreamFailed("upstream_stalled") from None
        return b"".join(parts)

    async def _fail(self, failed: UpstreamFailed) -> None:
        """End with the failure, in the upstream's own words where there are any."""
        refusal, told, request_id = failed.refusal, CODES[failed.code], self._request_id
        fields: list[str | bytes] = []
        body = error_body(told.error_type, failed.message or told.message, failed.code, request_id)
        if refusal is not None:
            head = {"status": refusal.status, "headers": refusal.headers}
            fields = ["response", json.dumps(head), "refusal", refusal.body]
            body = _one_line(refusal.body, request_id)
        await self._end([error_event(body)], State.FAILED, failed.code, fields)

    async def _end(self, events: list[bytes], state: State, code: str, fields: list[str | bytes]) -> None:
        fields = [*fields, *self._usage_field()]
        self._announce_end(await self._writer.write(events, mark=state.value, code=code, fields=fields), state)

    def _usage_field(self) -> list[str | bytes]:
        """What is known of the usage: as Claude told it, and as its owner's budget counts it."""
        usage = self._reading.usage
        if not usage and not self._used_before:
            return []
        used = self._used_before + sum(_tokens(usage, name) for name in _COUNTED)
        told: list[str | bytes] = ["used", str(used)]
        if usage:
            told += ["usage", msgspec.json.encode(usage)]
        return [*told, "used_final", "1"] if self._reading.usage_final else told

    def _announce_end(self, told: tuple[str, float] | None, state: State) -> None:
        if told is not None:
            announce(facts.JobEnded(self._request.model, state.value, told[1]))

    def _announce_usage(self) -> None:
        """Once a call, however it ended: what was reported has been used."""
        usage = self._reading.usage
        if usage:
            self._used_before += sum(_tokens(usage, name) for name in _COUNTED)
            announce(
                facts.UsageSettled(
                    self._request.model,
                    _tokens(usage, "input_tokens"),
                    _tokens(usage, "output_tokens"),
                    _tokens(usage, "cache_read_input_tokens"),
                    _tokens(usage, "cache_creation_input_tokens"),
                    "reported" if self._reading.usage_final else "partly_reported",
                )
            )

    def _wait_s(self, failed: UpstreamFailed, calls: int) -> float | None:
        return wait_before_retry_s(
            failed,
            calls,
            most_calls=self._settings.upstream_calls,
            most_wait_s=self._settings.retry_most_s,
            hold_left_s=self._hold_ends - monotonic(),
            streams=self._request.stream,
        )


def _request(claim: Claim, body: bytes | None) -> Request | None:
    """None if it is not a call that a gateway takes: the upstream's key goes nowhere else, whatever Redis says. Nor can
    one be made whose body is gone."""
    if body is None:
        return None
    try:
        request = Request.read(claim.call_values, body)
    except ValueError:
        return None
    return request if _CALL.fullmatch(f"{request.method} {request.path}") else None


def _refusal_of(data: bytes, headers: dict[str, str]) -> Refusal:
    """An error event as the refusal that it would have been, had it come before the head."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    status = STATUS_BY_TYPE.get(body["error"]["type"], 500) if is_error_body(body) else 500
    return Refusal(status, {**headers, "content-type": "application/json"}, data)


def _one_line(body: bytes, request_id: str) -> bytes:
    """An upstream's refusal as it can stand in a `data:` line: its own JSON, or an `api_error` around its text."""
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not is_error_body(value):
        text = body[:500].decode(errors="replace").strip() or CODES["upstream_error"].message
        return error_body("api_error", text, "upstream_error", request_id)
    return body if b"\n" not in body and b"\r" not in body else json.dumps(value, separators=(",", ":")).encode()


def _tokens(usage: dict[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) else 0
