"""A run that waits holds nothing, has everything recorded, and goes on once it is decided."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone

from designs.access import SYSTEM
from executor import states
from executor.decisions import wake_if_decided
from executor.models import DecisionRequest, Execution, Status
from executor.recording import admission
from executor.running.sweep import sweep
from executor.services import cancel_execution, rerun_execution, resume_execution
from tests.deciding import cast, join
from tests.executor.waiting_designs import (
    approval,
    asking_design,
    perform,
    request_of,
    waiting_design,
)
from tests.graphs import asking, design, link

pytestmark = pytest.mark.django_db(transaction=True)
Queue = Callable[..., Execution]


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


@pytest.fixture
def waiting(queue: Queue, version_of: Any) -> Execution:
    execution = perform(queue(version_of(asking_design()), limits={"seconds": 60}))
    assert execution.status == Status.WAITING
    return execution


def test_all_is_recorded_and_nothing_is_held(waiting: Execution) -> None:
    assert (waiting.owner, waiting.lease_until, waiting.deadline_at) == ("", None, None)
    assert waiting.model_calls == 1
    assert dict(waiting.blocks.values_list("block_id", "status")) == {
        "before": "completed", "release": "waiting",
    }  # fmt: skip
    assert list(waiting.steps.values_list("block_id", flat=True)) == ["before"]
    request = request_of(waiting)
    assert (request.key, request.group, request.status) == (
        "release/-/1/approval", "finance", "open",
    )  # fmt: skip
    assert request.shown == waiting.steps.get().text
    assert waiting.not_before == request.due_at


def test_a_decision_wakes_it_and_it_goes_on_without_asking_again(
    waiting: Execution, ana: User
) -> None:
    cast(request_of(waiting), ana)
    woken = Execution.objects.get(pk=waiting.pk)
    assert (woken.status, woken.waiting_since, woken.not_before) == (Status.QUEUED, None, None)
    assert woken.waited_ms is not None
    done = perform(waiting)
    assert (done.status, done.attempt, done.model_calls) == (Status.COMPLETED, 2, 2)
    release = done.blocks.get(block_id="release").output
    assert (release["decision"], release["votes"][0]["user"]) == ("approved", "ana")
    assert DecisionRequest.objects.untaken().count() == 0


def test_waiting_takes_nothing_of_its_time(queue: Queue, version_of: Any, ana: User) -> None:
    run = queue(version_of(asking_design()), limits={"seconds": 60})
    Execution.objects.filter(pk=run.pk).update(deadline_at=timezone.now() + timedelta(seconds=60))
    waiting = perform(run)
    assert waiting.seconds_left is not None
    assert 0 < waiting.seconds_left <= 60
    days = timedelta(days=3)
    Execution.objects.filter(pk=run.pk).update(
        waiting_since=F("waiting_since") - days, started_at=F("started_at") - days
    )
    assert sweep()["timed_out"] == 0
    cast(request_of(waiting), ana)
    woken = Execution.objects.get(pk=run.pk)
    assert woken.deadline_at is not None
    assert timezone.now() < woken.deadline_at <= timezone.now() + timedelta(seconds=60)
    done = perform(run)
    assert done.waited_ms is not None
    assert done.duration_ms is not None
    assert (done.status, done.waited_ms >= days / timedelta(milliseconds=1)) == ("completed", True)
    assert done.duration_ms < timedelta(hours=1) / timedelta(milliseconds=1)


def test_it_counts_neither_as_running_nor_towards_admission(queue: Queue, version_of: Any) -> None:
    run = perform(queue(version_of(asking_design()), caller_key="person:1"))
    assert run.status == Status.WAITING
    assert admission.count_live_of_callers(["person:1"]) == {}
    assert run not in Execution.objects.busy()


def test_the_sweep_wakes_what_was_decided_when_nobody_else_did(
    waiting: Execution, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states, "wake", lambda pk: False)
    cast(request_of(waiting), ana)
    monkeypatch.undo()
    assert sweep()["woken"] == 1
    assert perform(waiting).status == Status.COMPLETED


def test_a_decision_that_an_attempt_has_read_wakes_no_more(
    queue: Queue, version_of: Any, ana: User
) -> None:
    document = design([approval(), approval("second")], [link("release", "second")])
    run = perform(queue(version_of(document)))
    cast(request_of(run), ana)
    run = perform(run)
    assert (run.status, run.attempt) == (Status.WAITING, 2)
    assert sweep()["woken"] == 0
    wake_if_decided(run.pk)
    assert Execution.objects.get(pk=run.pk).status == Status.WAITING
    assert sorted(run.requests.values_list("block_id", "status")) == [
        ("release", "approved"), ("second", "open"),
    ]  # fmt: skip


def test_what_nobody_decides_in_time_goes_on_by_its_setting(queue: Queue, version_of: Any) -> None:
    run = perform(queue(version_of(asking_design(on_timeout="fail"))))
    past = timezone.now() - timedelta(seconds=1)
    DecisionRequest.objects.update(due_at=past)
    Execution.objects.filter(pk=run.pk).update(not_before=past)
    assert sweep()["closed"] == 1
    failed = perform(run)
    assert (failed.status, failed.cause) == (Status.FAILED, "timed_out - approval")


def test_a_time_wakes_it_once(queue: Queue, version_of: Any) -> None:
    run = perform(queue(version_of(waiting_design())))
    assert run.status == Status.WAITING
    assert run.not_before is not None
    assert sweep()["woken"] == 0
    step = run.steps.get(key="later/-/1/until")
    past = timezone.now() - timedelta(seconds=1)
    run.steps.filter(pk=step.pk).update(output={"due_at": past.timestamp()})
    Execution.objects.filter(pk=run.pk).update(not_before=past)
    assert sweep()["woken"] == 1
    done = perform(run)
    assert (done.status, done.result_data) == (Status.COMPLETED, "went on")


def test_cancelling_withdraws_what_was_asked(waiting: Execution) -> None:
    cancel_execution(execution=waiting, caller=SYSTEM)
    ended = Execution.objects.get(pk=waiting.pk)
    assert (ended.status, request_of(waiting).status) == (Status.CANCELLED, "withdrawn")
    assert (ended.model_calls, ended.waiting_since) == (1, None)
    assert ended.waited_ms is not None
    assert ended.blocks.get(block_id="release").status == "failed"


def test_a_failure_beside_it_withdraws_it(queue: Queue, version_of: Any, ana: User) -> None:
    blocks = [approval(), approval("second"), {**asking("bad"), "task": "{{ input.missing.x }}"}]
    document = design(blocks, [link("release", "bad")])
    run = perform(queue(version_of(document)))
    cast(run.requests.get(block_id="release"), ana)
    failed = perform(run)
    assert failed.status == Status.FAILED
    assert failed.requests.get(block_id="second").status == "withdrawn"


def test_a_resumed_run_asks_nobody_twice_and_a_rerun_asks_anew(
    queue: Queue, version_of: Any, ana: User
) -> None:
    document = asking_design()
    document["blocks"][2]["task"] = "{{ input.missing.x }}"
    run = perform(queue(version_of(document)))
    cast(request_of(run), ana)
    assert perform(run).status == Status.FAILED
    run.steps.filter(block_id="release").delete()
    run = Execution.objects.get(pk=run.pk)
    resumed = resume_execution(execution=run, caller=SYSTEM)
    assert perform(resumed).status == Status.FAILED
    assert resumed.requests.count() == 0
    again = rerun_execution(execution=run, caller=SYSTEM)
    assert perform(again).status == Status.WAITING
    assert again.requests.count() == 1
