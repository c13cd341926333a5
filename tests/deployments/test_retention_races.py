"""A run that is started again during a sweep keeps what it needs, or is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from deployments import retention
from deployments.models import Deployment
from deployments.retention import sweep
from designs.access import SYSTEM
from executor.errors import NotResumable
from executor.models import Execution, Status, Step
from executor.services import rerun_execution, resume_execution
from tests.deployments.ended_runs import ended, keep, with_texts
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
Deploy = Callable[..., Deployment]
KEPT = {"history_days": {"history_days": 30}, "payload_days": {"payload_days": 30}}


class Other:
    """Starts a run again in a thread with its own connection."""

    def __init__(self, again: Callable[..., Execution], execution: Execution) -> None:
        self.made: Execution | None = None
        self.refused: Exception | None = None
        self._do = again, Execution.objects.get(pk=execution.pk)
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        again, execution = self._do
        try:
            self.made = again(execution=execution, caller=SYSTEM)
        except Exception as error:  # noqa: BLE001 - judged by the test
            self.refused = error
        finally:
            connection.close()

    def begin(self) -> None:
        if self._thread.ident is None:
            self._thread.start()

    def end(self) -> None:
        self.begin()
        self._thread.join()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the snapshot stays as it was first read.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity "
            "WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def old_chain(deploy: Deploy) -> tuple[Execution, Execution]:
    """A failed run, and one that resumed it and failed too."""
    deployment = deploy()
    first = with_texts(ended(deployment, days_ago=50, status=Status.FAILED))
    last = with_texts(
        ended(deployment, days_ago=40, status=Status.FAILED, resumed_from=first, result_data=None)
    )
    return first, last


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("again", [resume_execution, rerun_execution])
def test_one_that_comes_before_the_lock_keeps_its_steps(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, again: Callable[..., Execution], kept: str
) -> None:
    """After retention has selected rows, and before it has locked them."""
    first, last = old_chain(deploy)
    other = Other(again, last)
    real = retention.lock

    def lock_late(rows: Any, most: int) -> list[Any]:
        # SQLite has one writer: there the other waits until the sweep ends.
        if rows.model is Execution:
            (other.end if connection.vendor == "postgresql" else other.begin)()
        return real(rows, most)

    monkeypatch.setattr(retention, "lock", lock_late)
    keep(keep_last=None, **KEPT[kept])
    sweep()
    other.end()
    if other.made is None:
        assert isinstance(other.refused, NotResumable), other.refused
    elif again is resume_execution:
        made = Execution.objects.get(pk=other.made.pk)
        assert made.resumed_from_id == last.pk
        assert Execution.objects.filter(pk__in=[first.pk, last.pk]).count() == 2
        assert Step.objects.filter(execution__in=[first, last], text="said").count() == 2
    else:
        assert Execution.objects.get(pk=other.made.pk).input_data == {"number": 1}
    if connection.vendor == "postgresql":
        assert other.made is not None, other.refused


@pytest.mark.parametrize("kept", KEPT)
@pytest.mark.parametrize("again", [resume_execution, rerun_execution])
def test_one_that_comes_after_the_lock_is_told(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch, again: Callable[..., Execution], kept: str
) -> None:
    _, last = old_chain(deploy)
    other = Other(again, last)
    name = "delete_executions" if kept == "history_days" else "_empty"
    real = getattr(retention, name)

    def late(pks: Any) -> None:
        other.begin()
        if connection.vendor == "postgresql":
            wait_until(waits_for_a_lock)
        real(pks)

    monkeypatch.setattr(retention, name, late)
    keep(keep_last=None, **KEPT[kept])
    sweep()
    other.end()
    assert other.made is None
    assert isinstance(other.refused, NotResumable), other.refused
    assert "Retention has" in str(other.refused)
    assert not Execution.objects.live().exists()
