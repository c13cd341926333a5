"""Requests of blocks over HTTP: recorded, tried again, never doubled without a person's word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from designs.patterns.base import BlockFailed, Need
from designs.patterns.calls import Called, HttpCall
from designs.strict_json import read_strict_json
from executor.engine.http_door import HttpFailed, HttpReply
from executor.engine.journal import (
    HTTP,
    UNKNOWN_OUTCOME,
    FailedTry,
    StepResult,
    bounded_key,
    inside,
    may_be_done,
    step_key,
)
from executor.engine.records import IntentHost, intend
from executor.engine.retry import backoff

MAX_RETRIES = 4
# Waits that a server asks for count as no retries, up to this number and length.
MAX_PAUSES = 20
MAX_PAUSE_SECONDS = 3_600.0
# A shorter pause is not worth letting the run go.
IN_PLACE_SECONDS = 5.0
DECISION_SECONDS = 3 * 86_400.0
EXCERPT = 500
BUSY = frozenset({429, 503})
PASSING = frozenset({500, 502, 504})
HIDDEN_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})
NO_JSON = "the answer is no JSON, and JSON was asked for."
DROPPED_HEADERS = frozenset({"set-cookie"})


class CallHost(IntentHost, Protocol):
    """The block's run, as a request sees it."""

    @property
    def block_id(self) -> str: ...
    @property
    def prefix(self) -> str: ...
    @property
    def retries(self) -> int: ...

    def recall(self, key: str) -> StepResult | None: ...

    async def record(self, step: StepResult) -> None: ...

    async def settled(self, need: Need) -> Mapping[str, Any]: ...

    def degrade(self, reason: str) -> None: ...


@dataclass(slots=True)
class HttpRequest:
    """One request of a block: its call, and what became of its tries."""

    host: CallHost
    call: HttpCall
    local_id: str
    number: int
    began: float = 0.0
    tries: int = 0
    pauses: int = 0
    failures: list[FailedTry] = field(default_factory=list)

    @property
    def key(self) -> str:
        return inside(self.host.prefix, step_key(self.local_id, None, self.number, HTTP))

    async def answer(self) -> Called:
        """The recorded answer, or that of the server. Raises BlockFailed, RunStopped."""
        step = self.host.recall(self.key)
        if step is not None:
            return Called(**step.output)
        self.began = self._now()
        failed = self.host.setup.journal.recall_failed(self.key)
        if failed is not None and self.host.setup.failed is not None:
            raise self._failed_before(failed)
        settled = 0
        if failed is not None:
            status = failed.failures[-1].status if failed.failures else None
            settled = 0 if may_be_done(failed.finish_reason, status) else failed.tries
        settled = max(settled, await self._recall_pauses())
        tried = self.host.setup.journal.intents(self.key) if self._is_once else 0
        self.tries = max(tried, settled)
        if tried > settled:
            # It was begun, and nothing is recorded of it.
            told = await self._told(tried)
            if told is not None:
                return await self._record(told)
        while True:
            found = await self._try()
            if found is not None:
                return await self._record(found)

    async def _try(self) -> Called | None:
        """The answer of one more try; None, after a pause, if another is to be made."""
        if self._is_once:
            await intend(self.host, self.key, HTTP)
        self.tries += 1
        asked_at = self._now()
        try:
            with self.host.under_way():
                reply = await self.host.setup.http.send(self.call, self._headers())
        except HttpFailed as error:
            return await self._after_failure(error, asked_at)
        if reply.is_dry:
            self.host.degrade(
                f"Nothing was sent to {self.call.url[:200]}: this is a dry run, so the answer is "
                "empty."
            )
            return Called(reply.status, {}, None)
        if not _is_taken(reply.status, self.call.accept):
            return await self._after_status(reply, asked_at)
        mask = self.host.setup.mask
        headers = {k: mask(v) for k, v in reply.headers.items() if k not in DROPPED_HEADERS}
        try:
            body = body_of(reply, self.call.parse, mask)
        except ValueError:
            self._note("http_body", NO_JSON, asked_at, reply.status)
            raise await self._failed("http_body", NO_JSON) from None
        return Called(reply.status, headers, body)

    # --- What becomes of a try without an answer that is taken -----------------------------------

    async def _after_failure(self, error: HttpFailed, asked_at: float) -> Called | None:
        self._note(error.kind, error.sentence, asked_at)
        if error.was_sent and self._is_once and error.kind != "too_large":
            return await self._told(self.tries)
        is_passing = error.kind in ("timeout", "transient")
        if not is_passing or len(self.failures) > self._retries:
            raise await self._failed(error.kind, error.sentence)
        await self._pause_briefly()
        return None

    async def _after_status(self, reply: HttpReply, asked_at: float) -> Called | None:
        sentence = self.host.setup.mask(_status_sentence(reply))
        self._note("http_status", sentence, asked_at, reply.status)
        after = retry_after(reply.headers, self._now())
        may_wait = after is not None and after <= MAX_PAUSE_SECONDS and self.pauses < MAX_PAUSES
        if reply.status in BUSY and after is not None and may_wait:
            await self._pause(after)
            return None
        is_passing = reply.status in PASSING and not self._is_once
        is_passing = is_passing or (reply.status in BUSY and after is None)
        if is_passing and len(self.failures) - self.pauses <= self._retries:
            await self._pause_briefly()
            return None
        raise await self._failed("http_status", sentence)

    async def _pause_briefly(self) -> None:
        timing = self.host.setup.timing
        with self.host.under_way():
            await timing.sleep(backoff(timing, len(self.failures) - 1))

    async def _pause(self, seconds: float) -> None:
        """As long as the server asks; the run is let go if nothing else of it is under way."""
        self.pauses += 1
        if seconds < IN_PLACE_SECONDS:
            with self.host.under_way():
                await self.host.setup.timing.sleep(seconds)
            return
        await self.host.settled(self._pause_need(self.tries, self._now() + seconds))

    async def _recall_pauses(self) -> int:
        """Wait to the end of the last pause that earlier attempts began; the try that it follows,
        0 without any.
        """
        for number in range(MAX_PAUSES + MAX_RETRIES, 0, -1):
            need = self._pause_need(number, None)
            if self.host.recall(need.key) is not None:
                await self.host.settled(need)
                return number
        return 0

    def _pause_need(self, number: int, due_at: float | None) -> Need:
        purpose = f"{HTTP}_pause_{number}"
        key = inside(self.host.prefix, step_key(self.local_id, None, self.number, purpose))
        return Need(key, "time", self.host.block_id, due_at=due_at)

    # --- What people decide -----------------------------------------------------------------------

    async def _told(self, tried: int) -> Called | None:
        """What is known of a request whose answer was lost; None: it is sent again."""
        rule = self.call.on_unknown_outcome
        if rule == "retry" and tried <= self._retries:
            return None
        if rule == "ask":
            answer = await self.host.settled(self._question(tried))
            if answer.get("decision") == "done":
                return Called(200, {}, answer.get("result"))
            if answer.get("decision") == "again":
                return None
        raise await self._failed(UNKNOWN_OUTCOME, self._lost)

    @property
    def _lost(self) -> str:
        what = f"{self.call.method} {self.call.url[:200]}"
        return f"nobody knows if {what} was done: its answer was lost."

    def _question(self, tried: int) -> Need:
        call = self.call
        request = {
            "group": "",
            "required": 1,
            "question": f"Was {call.method} {call.url[:300]} done? Its answer was lost.",
            "shown": self._prompt(),
            "allows_self": False,
            "needs_reason": False,
            "tool": HTTP,
            "on_due": "fail",
        }
        due = self._now() + DECISION_SECONDS
        key = bounded_key(f"{self.key}/outcome.{tried}")
        return Need(key, "unknown_outcome", self.host.block_id, None, due, request)

    # --- The record -------------------------------------------------------------------------------

    async def _record(self, found: Called) -> Called:
        output = {"status": found.status, "headers": dict(found.headers), "body": found.body}
        await self.host.record(self._step(output, "completed"))
        return found

    async def _failed(self, kind: str, sentence: str) -> BlockFailed:
        """The failure, once its step is recorded: who resumes the run tries again."""
        step = self._step(None, "failed")
        step.finish_reason = kind
        await self.host.record(step)
        return BlockFailed(sentence, kind=kind)

    def _failed_before(self, step: StepResult) -> BlockFailed:
        """The failure as it was recorded before the run was let go."""
        kind = step.finish_reason or "block"
        is_known = kind != UNKNOWN_OUTCOME and step.failures
        return BlockFailed(step.failures[-1].message if is_known else self._lost, kind=kind)

    def _step(self, output: Any, status: Any) -> StepResult:
        return StepResult(
            key=self.key,
            block_id=self.host.block_id,
            agent_id=None,
            round_number=self.number,
            purpose=HTTP,
            model=None,
            prompt=self._prompt(),
            text=None,
            output=output,
            input_tokens=0,
            output_tokens=0,
            cost_usd=None,
            tries=self.tries,
            started_at=self.began,
            finished_at=self._now(),
            status=status,
            failures=tuple(self.failures),
        )

    def _prompt(self) -> dict[str, Any]:
        call = self.call
        headers = {
            name: "…" if name.lower() in HIDDEN_HEADERS else value
            for name, value in call.headers.items()
        }
        said = None if call.content is None else call.content.decode("utf-8", "replace")
        return {
            "method": call.method, "url": call.url, "connection": call.connection,
            "headers": headers, "body": said,
        }  # fmt: skip

    def _note(self, kind: str, sentence: str, at: float, status: int | None = None) -> None:
        now = self._now()
        ms = round((now - at) * 1000)
        self.failures.append(FailedTry("", kind, sentence, now, ms, None, status))

    def _headers(self) -> dict[str, str]:
        headers = dict(self.call.headers)
        if self.call.effect != "read":
            setup = self.host.setup
            root = setup.root_execution or setup.execution_id
            headers.setdefault("Idempotency-Key", f"{root}:{self.key}")
        return headers

    @property
    def _is_once(self) -> bool:
        return self.call.effect == "once"

    @property
    def _retries(self) -> int:
        return min(self.host.retries, MAX_RETRIES)

    def _now(self) -> float:
        return self.host.setup.timing.now()


def body_of(reply: HttpReply, parse: str, mask: Callable[[str], str] = str) -> Any:
    """Without known secrets. Raises ValueError for what is no JSON and must be."""
    said, _, rest = reply.headers.get("content-type", "").lower().partition(";")
    kind, charset = said.strip(), rest.partition("charset=")[2].partition(";")[0].strip(' "')
    try:
        text = reply.body.decode(charset or "utf-8", "replace")
    except LookupError:
        text = reply.body.decode("utf-8", "replace")
    text = mask(text)
    if parse == "json" or (parse == "auto" and kind.endswith(("/json", "+json"))):
        return read_strict_json(text.encode()) if text.strip() else None
    return text


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """In seconds from now; None without one that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 9:
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_taken(status: int, accept: tuple[str, ...]) -> bool:
    return any(str(status) == one or f"{status // 100}xx" == one for one in accept)


def _status_sentence(reply: HttpReply) -> str:
    said = " ".join(reply.body[: 4 * EXCERPT].decode("utf-8", "replace").split())[:EXCERPT]
    what = f"the server answered {reply.status}"
    if reply.status in range(300, 400):
        what += ", and redirects are not followed"
    return f"{what}: {said}" if said else f"{what}."
