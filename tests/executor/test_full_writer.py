"""Runs and leases while the writer accepts nothing, or is late."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from designs.models import DesignVersion
from executor import states
from executor.errors import RecorderUnavailable
from executor.models import BlockResult, Execution, Status
from executor.recording import writer as writer_module
from executor.recording.leases import Renew
from executor.recording.recorder import Progress, RunRecord
from executor.recording.writer import Writer, process_writer
from executor.running.carrier import Carrier
from tests.documents import greeting
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


def fresh(execution: Execution) -> Execution:
    return Execution.objects.get(pk=execution.pk)


def test_after_a_failed_heartbeat_the_next_comes_at_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease lasts for three beats: waiting for one more after a failure would be too long."""
    carrier = Carrier(slots=1)
    carrier.lease_seconds = 3000
    execution = queue()
    states.claim(execution.pk, owner=carrier.name, lease_seconds=30)
    carrier._active[(execution.pk, 1)] = SimpleNamespace(stop=None)  # type: ignore[assignment]
    original, tries = Renew.apply.__func__, []  # type: ignore[attr-defined]

    def apply(cls: Any, writes: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise ValueError("the database is slow")
        return original(cls, writes)

    monkeypatch.setattr(Renew, "apply", classmethod(apply))
    carrier._beat()
    assert carrier._pause <= carrier.lease_seconds / 100
    carrier._beat()
    assert carrier._pause == carrier.lease_seconds / 3
    assert carrier._active[(execution.pk, 1)].stop is None
    carrier._active.clear()


def test_a_full_writer_gives_the_run_back_and_drops_no_row(
    queue: Queue, version_of: Callable[..., DesignVersion], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the record was made by timer or by a step that waits for it."""
    refused: list[str] = []
    original = Writer.submit

    def submit(self: Writer, write: Any) -> Any:
        if isinstance(write, Progress) and len(refused) < 2:
            refused.append(write.point)
            raise RecorderUnavailable("The database is too slow at the moment.")
        return original(self, write)

    monkeypatch.setattr(Writer, "submit", submit)
    execution = queue(version_of(greeting()), input_data={})
    future = perform_execution(execution.pk)
    assert future is not None
    assert future.result(timeout=60) is None
    now = fresh(execution)
    assert (now.status, now.attempt, now.losses, now.error) == (Status.QUEUED, 1, 0, None)
    refused += ["no more"] * 2
    future = perform_execution(execution.pk)
    assert future is not None
    assert future.result(timeout=60).status == "completed"
    assert fresh(execution).steps.count() == 2


def test_rows_that_a_full_writer_refused_are_written_later(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = queue()
    states.claim(execution.pk, owner="here", lease_seconds=30)
    execution.refresh_from_db()
    writer = process_writer()
    record = RunRecord(execution, writer)
    record._blocks["x"] = BlockResult(
        execution_id=execution.pk, block_id="x", status="completed", completed_at=timezone.now()
    )
    with monkeypatch.context() as patch:
        patch.setattr(writer_module, "MAX_WAITING", -1)
        record._flush_later()
    assert isinstance(record.unwritten, RecorderUnavailable)
    record._flush().result(60)
    assert list(execution.blocks.values_list("block_id", flat=True)) == ["x"]
