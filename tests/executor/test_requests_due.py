"""What comes of requests that nobody decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from designs.access import caller_of
from executor.decisions import close_due
from executor.models import DecisionRequest, Execution, Status
from executor.running.sweep import sweep
from executor.services import cancel_execution
from tests.deciding import ask, cast, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)


def past() -> object:
    return timezone.now() - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("fields", "decision"),
    [
        ({"on_due": "timed_out"}, "timed_out"),
        ({"on_due": "reject"}, "rejected"),
        ({"on_due": "fail"}, "fail"),
        ({"kind": "tool_call"}, "rejected"),
        ({"kind": "unknown_outcome"}, "fail"),
    ],
    ids=["timed out", "reject", "fail", "tool call", "unknown outcome"],
)
def test_a_due_request_is_closed_by_the_sweep_and_wakes_its_run(
    fields: dict, decision: str
) -> None:
    run = waiting_run()
    request = ask(run, due_at=past(), **fields)
    later = ask(waiting_run(), due_at=timezone.now() + timedelta(hours=1))
    ask(waiting_run())
    assert sweep()["closed"] == 1
    request.refresh_from_db()
    assert (request.status, request.answer) == ("timed_out", {"decision": decision, "by": None})
    assert Execution.objects.get(pk=run.pk).status == Status.QUEUED
    assert set(DecisionRequest.objects.open()) >= {later}
    assert sweep()["closed"] == 0


def test_a_vote_before_it_is_due_stands(make_user: Callable[..., User]) -> None:
    ana = make_user("ana", "Operator")
    join("finance", ana)
    request = ask()
    cast(request, ana)
    DecisionRequest.objects.update(due_at=past())
    assert close_due() == 0
    request.refresh_from_db()
    assert request.status == "approved"


def test_cancelling_a_waiting_run_withdraws_what_is_open(
    operator: User, make_user: Callable[..., User]
) -> None:
    ana = make_user("ana", "Operator")
    join("finance", ana)
    run = waiting_run()
    decided, open_one, of_another = ask(run), ask(run), ask()
    DecisionRequest.objects.filter(pk=decided.pk).update(status="approved")
    cancel_execution(execution=run, caller=caller_of(operator))
    rows = DecisionRequest.objects.in_bulk([decided.pk, open_one.pk, of_another.pk])
    assert [rows[row.pk].status for row in (decided, open_one, of_another)] == [
        "approved", "withdrawn", "open",
    ]  # fmt: skip
    assert rows[open_one.pk].decided_at is not None
