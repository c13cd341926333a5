"""Failures in a row pause the deployment, with the reason, even if a message is lost."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from deployments.errors import DeploymentInactive
from deployments.models import Deployment, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.services import change_deployment, invoke_deployment
from deployments.tasks import settle_execution_task
from designs.access import SYSTEM
from designs.models import DesignVersion
from executor import states
from executor.acceptance import documents
from executor.models import Execution, Status, Trigger
from tests.deployments.conftest import just_now

pytestmark = pytest.mark.django_db(transaction=True)
Scheduled = Callable[..., Schedule]
ERROR = {"class": "model", "message": "The model said no", "block_id": None, "step": None}


def run(schedule: Schedule, status: Status, *, settled: bool = True) -> Execution:
    """The schedule's next time comes, and its run ends with this status."""
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=just_now())
    wake_schedules()
    execution = Execution.objects.order_by("id").last()
    assert execution is not None
    claimed = states.claim(execution.pk, owner="test", lease_seconds=30)
    assert claimed is not None
    changes: dict[str, Any] = {} if status == Status.COMPLETED else {"error": ERROR}
    assert states.finish(execution.pk, status, attempt=claimed.attempt, **changes)
    if settled:
        settle_execution_task(e=execution.pk.hex)
    return execution


def deployment() -> Deployment:
    return Deployment.objects.get()


def outcomes(schedule: Schedule) -> list[str]:
    return list(schedule.occurrences.order_by("due_at").values_list("outcome", flat=True))


def test_so_many_failures_in_a_row_pause(scheduled: Scheduled) -> None:
    schedule = scheduled(pause_after_failures=2)
    run(schedule, Status.FAILED)
    assert deployment().status == "active"
    run(schedule, Status.TIMED_OUT)
    assert deployment().status == "error"
    reason = deployment().status_reason
    assert "every 10 seconds" in reason
    assert "2 times in a row" in reason
    assert "The model said no." in reason
    with pytest.raises(DeploymentInactive, match="2 times in a row"):
        invoke_deployment(
            deployment=deployment(), input_data={"number": 1}, trigger=Trigger.API, caller=SYSTEM
        )
    again = schedule.occurrences.count()
    Schedule.objects.update(next_due_at=just_now())
    wake_schedules()
    assert outcomes(schedule)[again:] == ["skipped_inactive"]


def test_its_executions_ask_to_be_settled(scheduled: Scheduled) -> None:
    assert run(scheduled(pause_after_failures=1), Status.COMPLETED).settles is True


def test_a_good_run_in_between_counts(scheduled: Scheduled) -> None:
    schedule = scheduled(pause_after_failures=2)
    for status in (Status.FAILED, Status.COMPLETED, Status.FAILED):
        run(schedule, status)
    assert deployment().status == "active"


def test_without_the_choice_nothing_pauses(scheduled: Scheduled) -> None:
    schedule = scheduled()
    for _ in range(4):
        run(schedule, Status.FAILED)
    assert deployment().status == "active"


def test_lost_messages_do_not_let_one_run_more_start(scheduled: Scheduled) -> None:
    schedule = scheduled(pause_after_failures=2)
    run(schedule, Status.FAILED, settled=False)
    run(schedule, Status.FAILED, settled=False)
    Schedule.objects.update(next_due_at=just_now())
    wake_schedules()
    assert outcomes(schedule) == ["ran", "ran", "skipped_inactive"]
    assert schedule.occurrences.first().policy == "pause_after_failures"
    assert deployment().status == "error"


def test_set_active_again_it_has_all_its_chances(scheduled: Scheduled) -> None:
    schedule = scheduled(pause_after_failures=2)
    last = [run(schedule, Status.FAILED) for _ in range(2)][-1]
    change_deployment(deployment=deployment(), caller=SYSTEM, status="active")
    assert deployment().status_reason == ""
    # A message that arrives late or twice.
    settle_execution_task(e=last.pk.hex)
    run(schedule, Status.FAILED)
    assert deployment().status == "active"
    run(schedule, Status.FAILED)
    assert deployment().status == "error"


def test_inputs_that_are_refused_are_failures(scheduled: Scheduled) -> None:
    schedule = scheduled(pause_after_failures=2)
    # It fitted an earlier version.
    Schedule.objects.update(input_data={"number": "many"})
    for _ in range(2):
        assert deployment().status == "active"
        Schedule.objects.update(next_due_at=just_now())
        wake_schedules()
    assert deployment().status == "error"
    assert "number" in deployment().status_reason
    assert outcomes(schedule) == ["ran", "ran"]


def test_what_a_person_cancelled_is_no_failure(scheduled: Scheduled) -> None:
    schedule = scheduled(pause_after_failures=2)
    run(schedule, Status.FAILED)
    run(schedule, Status.CANCELLED)
    assert deployment().status == "active"
    run(schedule, Status.FAILED)
    assert deployment().status == "error"


def test_a_version_that_cannot_be_run_any_more(
    scheduled: Scheduled, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = scheduled()
    # As if a rule of designs had become stricter before a restart.
    version = schedule.deployment.version
    version.document = {**version.document, "blocks": []}
    DesignVersion.objects.bulk_update([version], ["document"])
    monkeypatch.setattr(documents, "_graphs", OrderedDict())
    wake_schedules()
    assert outcomes(schedule) == ["skipped_inactive"]
    assert deployment().status == "error"
    assert "cannot be run" in deployment().status_reason
