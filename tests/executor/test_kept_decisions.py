"""Which decisions and intents a run takes over from those that it goes on from, and which end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from designs.access import SYSTEM
from executor import states
from executor.decisions import take_decisions
from executor.engine.http_door import HttpReply
from executor.engine.llm.base import ErrorKind, ModelError
from executor.errors import RecorderUnavailable
from executor.models import DecisionRequest, Execution, RequestStatus, Status, ToolIntent
from executor.recording.intents import Intend
from executor.recording.leases import GiveBack
from executor.recording.writer import process_writer
from executor.running import attempt
from executor.running.sweep import sweep
from executor.services import cancel_execution, resume_execution
from tests.deciding import ask, cast, join, waiting_run
from tests.executor.tool_runs import ToolRuns
from tests.executor.waiting_designs import perform
from tests.fake_tools import FakeTools, tool
from tests.graphs import agent, asking, design
from tests.scripted import calls
from tests.scripted_door import BROKEN, Door, block, reply

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


def going_on_from(run: Execution, **edited: Any) -> Execution:
    found = {"block": None, "given": {}, **edited}
    return waiting_run(run.deployment, resumed_from=run, edited=found, status=Status.QUEUED)


def test_a_block_that_runs_again_asks_anew_also_deep_inside(ana: User) -> None:
    run = waiting_run()
    inside = ask(run, key="double>release/-/1/approval", block_id="double>release")
    other = ask(run, key="other>release/-/1/approval", block_id="other>release")
    for request in (inside, other):
        cast(request, ana, reason="yes")
    again = going_on_from(run, block="double")
    with CaptureQueriesContext(connection) as asked:
        assert list(take_decisions(again)) == [other.key]
    # What was shown may be large.
    assert not [one for one in asked if '"shown"' in one["sql"]]


def test_a_call_that_nobody_approved_in_time_was_refused_by_nobody(tool_runs: ToolRuns) -> None:
    strict = tool("crm.pay", "once", approval="always")
    script = {"answer": calls(("crm.pay", {})), "answer.2": "So be it."}
    run = tool_runs.start(script, FakeTools((strict,)))
    DecisionRequest.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert sweep()["closed"] == 1
    done = tool_runs.perform(run)
    assert done.steps.get(tool="crm.pay").output["content"] == "Nobody approved this call in time."


def test_a_resume_asks_anew_what_a_person_let_fail(
    queue: Queue, version_of: Any, administrator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(BROKEN)
    monkeypatch.setattr(attempt, "run_requests", lambda execution: door)
    run = perform(queue(version_of(block(method="POST"))))
    cast(run.requests.get(), administrator, "fail", reason="I cannot tell.")
    failed = perform(run)
    assert (failed.status, failed.cause) == (Status.FAILED, "unknown_outcome - http")
    resumed = perform(resume_execution(execution=failed, caller=SYSTEM))
    assert resumed.status == Status.WAITING
    assert len(door.sent) == 1


def test_a_resume_sends_again_what_a_server_refused_and_asks_nobody(
    queue: Queue, version_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(reply("no", 400), reply("fine"))
    monkeypatch.setattr(attempt, "run_requests", lambda execution: door)
    failed = perform(queue(version_of(block(method="POST"))))
    assert failed.status == Status.FAILED
    resumed = perform(resume_execution(execution=failed, caller=SYSTEM))
    assert (resumed.status, resumed.result_data) == (Status.COMPLETED, "fine")


def test_only_what_failed_is_played_again_not_the_calls_of_its_neighbours(
    tool_runs: ToolRuns, queue: Queue, version_of: Any
) -> None:
    pay = tool("crm.pay", "once")
    script: dict[str, Any] = {
        "ana/answer": calls(("crm.pay", {})), "ana/answer.2": "Paid.",
        "ben/answer": ModelError(ErrorKind.REQUEST, "it is down."),
    }  # fmt: skip
    tools = FakeTools((pay,))
    tool_runs.play(script, tools)
    members = [agent("ana", tools=["crm.pay"]), agent("ben")]
    block_of_both = asking("all", *members, kind="parallel", settings={"require": 1})
    first = tool_runs.perform(queue(version_of(design([block_of_both]))))
    assert (first.status, first.degraded) == (Status.COMPLETED, True)
    model = tool_runs.play({**script, "ben/answer": "Here."}, tools)
    again = resume_execution(execution=first, caller=SYSTEM, only="failed")
    done = tool_runs.perform(again)
    assert (done.status, done.degraded) == (Status.COMPLETED, False)
    assert model.calls == ["all/ben/1/answer"]
    assert tools.count("crm.pay") == 1
    assert ToolIntent.objects.count() == 1


def test_what_a_run_asks_is_withdrawn_when_it_is_cancelled_at_a_shut_down() -> None:
    run = waiting_run(status=Status.RUNNING, waited_ms=5, cancel_requested_at=timezone.now())
    request = ask(run)
    write = GiveBack(run.pk, run.attempt)
    assert process_writer().submit(write).result(timeout=30) is Status.CANCELLED
    request.refresh_from_db()
    assert request.status == RequestStatus.WITHDRAWN


def test_a_run_that_begins_to_wait_just_now_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    run = waiting_run(status=Status.RUNNING, waiting_since=None)
    request = ask(run)
    original = states.request_cancel

    def late(pk: Any) -> bool:
        states.wait(pk, attempt=1, due_at=None)
        return original(pk)

    monkeypatch.setattr(states, "request_cancel", late)
    cancel_execution(execution=run, caller=SYSTEM)
    assert Execution.objects.get(pk=run.pk).status == Status.CANCELLED
    request.refresh_from_db()
    assert request.status == RequestStatus.WITHDRAWN


@pytest.mark.parametrize(
    "answer",
    [reply("gone", 502), HttpReply(200, {"content-type": "application/json"}, b"<html>")],
    ids=["a gateway's error", "no JSON"],
)
def test_a_resume_asks_about_a_request_that_may_have_been_done(
    queue: Queue, version_of: Any, monkeypatch: pytest.MonkeyPatch, answer: HttpReply
) -> None:
    door = Door(answer, reply("fine"))
    monkeypatch.setattr(attempt, "run_requests", lambda execution: door)
    failed = perform(queue(version_of(block(method="POST"))))
    assert failed.status == Status.FAILED
    resumed = perform(resume_execution(execution=failed, caller=SYSTEM))
    assert (resumed.status, len(door.sent)) == (Status.WAITING, 1)


@pytest.mark.parametrize("is_tool", [True, False])
def test_a_run_whose_intent_cannot_be_written_is_given_back_and_calls_nothing(
    tool_runs: ToolRuns, queue: Queue, version_of: Any, monkeypatch: pytest.MonkeyPatch,
    is_tool: bool,
) -> None:  # fmt: skip
    def full(writes: Any) -> Any:
        raise RecorderUnavailable("The disk is full.")

    monkeypatch.setattr(Intend, "apply", full)
    door, tools = Door(reply("fine")), FakeTools((tool("crm.pay", "once"),))
    monkeypatch.setattr(attempt, "run_requests", lambda execution: door)
    tool_runs.play({"answer": calls(("crm.pay", {}))}, tools)
    asked = asking("ask", agent("ana", tools=["crm.pay"]))
    document = design([asked]) if is_tool else block(method="POST")
    document["blocks"][0]["on_error"] = "continue"
    run = tool_runs.perform(queue(version_of(document)))
    assert (run.status, run.error) == (Status.QUEUED, None)
    assert (door.sent, tools.calls) == ([], [])
