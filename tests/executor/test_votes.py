"""Votes on requests: counted, kept, and what they decide."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from designs.auditing.audit import Action, AuditEntry
from executor.decisions import take_decisions
from executor.errors import VoteInvalid
from executor.models import Execution, Status
from tests.deciding import COST_CENTRE, ask, cast, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def members(make_user: Callable[..., User]) -> list[User]:
    found = [make_user(name, "Operator") for name in ("ana", "ben", "cleo")]
    join("finance", *found)
    return found


def test_one_approval_decides_and_wakes_the_run(members: list[User]) -> None:
    run = waiting_run()
    request = cast(ask(run), members[0], reason=" checked with ACME ")
    assert (request.status, request.answer) == ("approved", {"decision": "approved", "by": "ana"})
    assert request.decided_at is not None
    (vote,) = request.votes.all()
    assert (vote.username, vote.verdict, vote.reason) == ("ana", "approve", "checked with ACME")
    assert Execution.objects.get(pk=run.pk).status == Status.QUEUED


def test_as_many_approvals_are_needed_as_it_says(members: list[User]) -> None:
    run = waiting_run()
    request = ask(run, required=2)
    first = cast(request, members[0])
    assert (first.status, first.answer, first.approvals) == ("open", None, 1)
    assert Execution.objects.get(pk=run.pk).status == Status.WAITING
    second = cast(request, members[1])
    assert (second.status, second.answer) == ("approved", {"decision": "approved", "by": "ben"})
    assert Execution.objects.get(pk=run.pk).status == Status.QUEUED


def test_one_rejection_rejects(members: list[User]) -> None:
    request = ask(required=3)
    cast(request, members[0])
    closed = cast(request, members[1], "reject", reason="wrong account")
    assert (closed.status, closed.answer) == ("rejected", {"decision": "rejected", "by": "ben"})


def test_a_vote_is_in_the_audit_without_answers(members: list[User]) -> None:
    run = waiting_run()
    request = cast(ask(run, form=COST_CENTRE), members[0], answers={"cost_centre": "17"})
    entry = AuditEntry.objects.get(action=Action.VOTE)
    assert (entry.actor_name, entry.object_pk) == ("ana", str(request.pk))
    assert entry.deployment_id == run.deployment_id
    details = {"verdict": "approve", "kind": "approval", "execution": run.public_id}
    assert entry.additional_data == details


@pytest.mark.parametrize(
    ("verdict", "status", "decision"),
    [("done", "approved", "done"), ("again", "approved", "again"), ("fail", "rejected", "fail")],
)
def test_an_unknown_outcome_is_told_by_one_person(
    members: list[User], verdict: str, status: str, decision: str
) -> None:
    request = ask(kind="unknown_outcome", tool="crm.send_mail", required=1)
    said = {"result": {"id": 7}} if verdict == "done" else {}
    closed = cast(request, members[0], verdict, reason="looked into the outbox", **said)
    assert (closed.status, closed.answer) == (status, {"decision": decision, "by": "ana", **said})


def test_the_decision_for_the_run_has_the_last_form_that_was_filled_in(
    members: list[User],
) -> None:
    run = waiting_run()
    request = ask(run, form=COST_CENTRE, required=2)
    ask(run, key="open/0")
    cast(request, members[0], answers={"cost_centre": "17"}, reason="first")
    cast(request, members[1], answers={"cost_centre": "18"}, reason="second")
    decision = take_decisions(run)
    assert list(decision) == [request.key]
    found = decision[request.key]
    assert [vote.pop("at")[-1] for vote in found["votes"]] == ["Z", "Z"]
    assert found == {
        "decision": "approved",
        "by": "ben",
        "answers": {"cost_centre": "18"},
        "reason": "second",
        "votes": [
            {"user": "ana", "verdict": "approve", "reason": "first"},
            {"user": "ben", "verdict": "approve", "reason": "second"},
        ],
    }


@pytest.mark.parametrize(
    ("fields", "verdict", "said", "places"),
    [
        ({"needs_reason": True}, "approve", {"reason": "  "}, {"reason"}),
        ({}, "approve", {"reason": "x" * 4_001}, {"reason"}),
        ({"form": COST_CENTRE}, "approve", {}, {"answers"}),
        ({"form": COST_CENTRE}, "approve", {"answers": {"cost_centre": "1"}},
         {"answers/cost_centre"}),
        ({}, "approve", {"answers": {"a": 1}}, {"answers"}),
        ({"form": {"type": "object"}}, "approve", {"answers": {"a": "x" * 100_001}}, {"answers"}),
        ({}, "done", {"result": 1}, {"verdict"}),
        ({}, "odd", {}, {"verdict"}),
        ({"kind": "unknown_outcome"}, "approve", {"reason": "x"}, {"verdict"}),
        ({"kind": "unknown_outcome"}, "done", {"reason": "x"}, {"result"}),
        ({"kind": "unknown_outcome"}, "again", {}, {"reason"}),
    ],
    ids=[
        "no reason", "long reason", "no form", "misfit", "not asked", "large", "done of approval",
        "odd", "approve of outcome", "no result", "no reason for outcome",
    ],
)  # fmt: skip
def test_an_incomplete_vote_is_refused_with_the_place_and_nothing_is_kept(
    members: list[User], fields: dict, verdict: str, said: dict, places: set[str]
) -> None:
    request = ask(**fields)
    with pytest.raises(VoteInvalid) as refused:
        cast(request, members[0], verdict, **said)
    assert set(refused.value.errors) == places
    request.refresh_from_db()
    assert (request.status, request.votes.count()) == ("open", 0)
    assert not AuditEntry.objects.filter(action=Action.VOTE).exists()


def test_a_rejection_needs_no_form(members: list[User]) -> None:
    closed = cast(ask(form=COST_CENTRE), members[0], "reject", answers={"cost_centre": "17"})
    assert closed.votes.get().answers is None
