"""Letting go of a run that can only wait: all that is known of it, in one transaction."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from designs.patterns.base import Need
from designs.rows.writing import insert_rows
from executor import states
from executor.engine.context import Outcome
from executor.engine.journal import StepResult
from executor.errors import LeaseLost
from executor.following import pubsub
from executor.following.sending import send_telling
from executor.models import BlockResult, DecisionRequest, Execution, Status
from executor.models.decision import MAX_NAME
from executor.recording.recorder import TAKEN_OVER, RunRecord, inserts_of_progress, make_way
from executor.recording.rows import storable, usage_fields
from executor.recording.writer import Write

# Fields of a request that a need gives.
TEXTS = ("group", "question", "tool", "digest")


class BeginWaiting(Write[bool]):
    """running → waiting, with steps, block states, usage so far, and the requests to people; False,
    with the steps alone, if a cancel was requested. Raises LeaseLost.
    """

    # After the progress that the run made before.
    rank = 3
    point = "wait"

    def __init__(
        self,
        pk: uuid.UUID,
        attempt: int,
        steps: Sequence[StepResult],
        blocks: dict[str, BlockResult],
        *,
        replaced: frozenset[str],
        needs: Sequence[Need],
        usage: dict[str, Any],
        max_seconds: float,
    ) -> None:
        super().__init__()
        self.pk = pk
        self.attempt = attempt
        self.steps = steps
        self.blocks = blocks
        self.replaced = replaced
        self.needs = needs
        self.usage = usage
        self.max_seconds = max_seconds

    @classmethod
    def is_one_statement(cls, writes: Sequence[BeginWaiting]) -> bool:
        # They make transactions of their own.
        return len(writes) == 1

    @classmethod
    def apply(cls, writes: Sequence[BeginWaiting]) -> Sequence[Any]:
        done: dict[BeginWaiting, Any] = {}
        for write in sorted(writes, key=lambda write: write.pk):
            # A savepoint would be two more statements.
            with transaction.atomic(savepoint=False):
                done[write] = write.let_go()
        return [done[write] for write in writes]

    def let_go(self) -> bool | Exception:
        rows = Execution.objects.filter(pk=self.pk, attempt=self.attempt)
        if self.again and rows.waiting().exists():
            # The try that broke off was committed after all.
            return True
        running = rows.filter(status=Status.RUNNING)
        if connection.features.has_select_for_update:
            running = running.select_for_update()
        held = list(running.values_list("cancel_requested_at", flat=True))
        if not held:
            return LeaseLost(TAKEN_OVER)
        make_way(self.pk, self.replaced)
        insert_rows(inserts_of_progress([self]))
        if held[0] is not None:
            return False
        return states.wait(self.pk, attempt=self.attempt, due_at=self._asked(), **self.usage)

    def _asked(self) -> datetime | None:
        """Open the requests that are not there yet. Returns when the first need is due."""
        latest = timezone.now() + timedelta(seconds=self.max_seconds)
        asked = [need for need in self.needs if need.kind != "time"]
        new = (request_of(need, self.pk, latest) for need in asked)
        # One that was opened by an earlier attempt stays as it is.
        DecisionRequest.objects.bulk_create(new, ignore_conflicts=True)
        mine = DecisionRequest.objects.open().filter(execution=self.pk)
        first = mine.filter(key__in=[need.key for need in asked]).aggregate(at=Min("due_at"))["at"]
        times = (_time(need.due_at, latest) for need in self.needs if need.kind == "time")
        return min((at for at in (first, *times) if at is not None), default=None)

    @classmethod
    def committed(cls, writes: Sequence[BeginWaiting], answers: Sequence[Any]) -> None:
        for write, answer in zip(writes, answers, strict=True):
            if answer is True:
                pubsub.publish_change(write.pk, Status.WAITING)
                if any(need.kind != "time" for need in write.needs):
                    send_telling()


def request_of(need: Need, pk: uuid.UUID, latest: datetime) -> DecisionRequest:
    """The row that asks people; it is due at `latest`, whatever the design says."""
    given = need.request
    texts: dict[str, str] = {name: storable(str(given.get(name) or "")) for name in TEXTS}
    texts["group"] = texts["group"][:MAX_NAME]
    return DecisionRequest(
        execution_id=pk,
        key=need.key,
        kind=need.kind,
        block_id=need.block_id,
        agent_id=need.agent_id or "",
        required=given.get("required", 1),
        shown=storable(given.get("shown")),
        form=given.get("form"),
        allows_self=bool(given.get("allows_self")),
        needs_reason=bool(given.get("needs_reason")),
        on_due=given.get("on_due") or "timed_out",
        due_at=_time(need.due_at, latest),
        **texts,
    )


def _time(seconds: float | None, latest: datetime) -> datetime:
    if seconds is None or seconds >= latest.timestamp():
        return latest
    return datetime.fromtimestamp(seconds, UTC)


async def begin_waiting(record: RunRecord, outcome: Outcome, *, max_seconds: float) -> bool:
    """Let go of a run that can only wait; False if it is to be cancelled instead. Raises LeaseLost
    if another process has the run.

    Also updates the instance that the run was started with.
    """
    usage = usage_fields(outcome.usage)
    make = partial(BeginWaiting, needs=outcome.needs, usage=usage, max_seconds=max_seconds)
    waits: bool = await asyncio.wrap_future(record.flush_as(make))
    if waits:
        states.end_unwritten(record.execution, Status.WAITING, **usage)
    return waits
