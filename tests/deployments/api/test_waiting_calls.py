"""Callers of a run that begins to wait are told so at once, and follow it to its end."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.errors import DesignInvalid
from designs.services import create_design
from executor.following.stream_rows import RunQuery, parse_position, read_runs
from executor.models import Execution, Status
from tests.deciding import cast, join
from tests.executor.waiting_designs import asking_design, request_of, waiting_design
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)
ApiOf = Callable[[User], APIClient]


def deployed(document: Any, path: str) -> Any:
    design = create_design(document=document, caller=SYSTEM)
    return deploy_design(design=design, endpoint_path=path, caller=SYSTEM, wait_seconds=60)


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Deployer")
    join("finance", user)
    return user


@pytest.fixture
def ben(make_user: Callable[..., User]) -> User:
    user = make_user("ben", "Operator")
    join("finance", user)
    return user


def test_a_synchronous_call_is_answered_at_once(ana: User, ben: User, api_of: ApiOf) -> None:
    deployment = deployed(asking_design(), "/pay/invoice")
    answer = api_of(ana).post(f"/api/deployments/{deployment.pk}/execute", {}, format="json")
    body = answer.json()
    run = Execution.objects.get(pk=body["log_id"])
    request = request_of(run)
    assert (answer.status_code, body["status"], run.status) == (202, "waiting", Status.WAITING)
    (need,) = body["waiting_for"]
    assert need.pop("due_at") == request.due_at.isoformat().replace("+00:00", "Z")  # type: ignore[union-attr]
    assert need == {
        "request_id": str(request.pk), "kind": "approval", "block_id": "release",
        "group": "finance", "question": "Pay?",
    }  # fmt: skip
    log = api_of(ana).get(f"/api/executions/{run.pk}").json()
    assert (log["status"], log["waiting_for"][0]["group"], log["waited_ms"]) == (
        "waiting", "finance", None,
    )  # fmt: skip
    cast(request, ben)
    done = perform_execution(run.pk)
    assert done is not None
    done.result(timeout=60)
    log = api_of(ana).get(f"/api/executions/{run.pk}").json()
    assert (log["status"], log["waiting_for"]) == ("completed", [])
    assert log["waited_ms"] >= 0


def test_who_follows_it_is_told_of_the_request_and_of_the_decision(
    ana: User, ben: User, api_of: ApiOf
) -> None:
    deployment = deployed(asking_design(), "/pay/followed")
    answer = api_of(ana).post(f"/api/deployments/{deployment.pk}/execute", {}, format="json")
    pk = uuid.UUID(answer.json()["log_id"])
    first = events_after(pk, "")
    assert [(e.data["status"], e.data["decision"]) for e in first["request"]] == [("open", None)]
    assert [e.data["status"] for e in first["block"]] == ["waiting", "completed"]
    assert [e.data["status"] for e in first["execution"]] == ["waiting"]
    position = str(first["last"].position)
    assert events_after(pk, position) == {}
    cast(request_of(Execution.objects.get(pk=pk)), ben)
    then = events_after(pk, position)
    assert [(e.data["status"], e.data["decision"]) for e in then["request"]] == [
        ("approved", "approved"),
    ]  # fmt: skip
    assert [e.data["status"] for e in then["execution"]] == ["queued"]


def events_after(pk: uuid.UUID, position: str) -> dict[str, Any]:
    """By name, what the rows tell who has read this far; `last` is the last one."""
    at = parse_position(position)
    query = RunQuery(pk, at.step, "".join(at.blocks))
    snapshot = read_runs([query])[query]
    assert snapshot is not None
    found: dict[str, Any] = {}
    for event in snapshot.events(at):
        found.setdefault(event.name, []).append(event)
        found["last"] = event
    return found


def test_a_wait_for_a_time_says_when_it_goes_on(ana: User, api_of: ApiOf) -> None:
    deployment = deployed(waiting_design(), "/later")
    answer = api_of(ana).post(f"/api/deployments/{deployment.pk}/execute", {}, format="json")
    (need,) = answer.json()["waiting_for"]
    assert (need["kind"], need["request_id"], need["block_id"]) == ("time", None, "later")
    assert need["due_at"]


def test_a_repeated_call_is_told_the_same(ana: User, api_of: ApiOf) -> None:
    deployment = deployed(asking_design(), "/pay/again")
    headers = {"Idempotency-Key": "one"}
    path = f"/api/deployments/{deployment.pk}/execute"
    first = api_of(ana).post(path, {}, format="json", headers=headers)
    again = api_of(ana).post(path, {}, format="json", headers=headers)
    assert again.json() == first.json()
    assert (again.status_code, again["Idempotent-Replayed"]) == (202, "true")


@pytest.mark.parametrize(
    ("members", "settings", "sentence"),
    [
        (None, {}, "There is no group `finance`. Name one that exists, or have it created."),
        (0, {}, "1 approval is needed, and the group `finance` has no active members. "
                "Ask for fewer, or add members."),
        (1, {"required": 2}, "2 approvals are needed, and the group `finance` has 1 active member. "
                             "Ask for fewer, or add members."),
    ],
)  # fmt: skip
def test_what_nobody_could_decide_is_not_deployed(
    make_user: Callable[..., User], members: int | None, settings: Any, sentence: str
) -> None:
    if members is not None:
        gone = make_user("gone", "Operator", is_active=False)
        join("finance", gone, *(make_user(f"u{n}", "Operator") for n in range(members)))
    with pytest.raises(DesignInvalid) as refused:
        deployed(asking_design(**settings), "/pay/nobody")
    assert [problem.message for problem in refused.value.problems] == [sentence]
