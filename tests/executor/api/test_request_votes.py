"""Votes by the API: each answer that a vote can get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.access.keys import create_key
from executor.models import DecisionRequest
from tests.deciding import COST_CENTRE, ask, cast, join, waiting_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


@pytest.fixture
def ben(make_user: Callable[..., User]) -> User:
    user = make_user("ben", "Operator")
    join("finance", user)
    return user


def send(client: APIClient, request: DecisionRequest, **body: Any) -> Any:
    return client.post(f"/api/requests/{request.pk}/votes", body, format="json")


def kind_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def test_a_vote_is_answered_with_the_request(ana: User, api_of: Callable[..., APIClient]) -> None:
    request = ask(required=2, form=COST_CENTRE, needs_reason=True)
    body = {"verdict": "approve", "reason": "checked", "answers": {"cost_centre": "17"}}
    answer = send(api_of(ana), request, **body)
    assert answer.status_code == 201, answer.json()
    found = answer.json()
    assert (found["id"], found["status"], found["may_decide"]) == (str(request.pk), "open", False)
    (vote,) = found["votes"]
    assert vote.pop("at").endswith("Z")
    assert vote == {"user": "ana", **body}


def test_refusals(
    ana: User, ben: User, operator: User, viewer: User, api_of: Callable[..., APIClient]
) -> None:
    def answer(user: User, request: DecisionRequest, **body: Any) -> tuple[int, str]:
        return kind_of(send(api_of(user), request, **{"verdict": "approve", **body}))

    assert answer(operator, ask()) == (403, "not-in-group")
    assert answer(viewer, ask()) == (403, "permission-denied")
    assert answer(ana, ask(waiting_run(user=ana))) == (403, "own-run")
    voted = ask(required=2)
    cast(voted, ana)
    assert answer(ana, voted) == (409, "already-voted")
    decided = ask()
    cast(decided, ana)
    assert answer(ben, decided) == (409, "request-closed")
    assert answer(ana, ask(needs_reason=True)) == (422, "vote-invalid")
    assert answer(ana, ask(), verdict="odd") == (422, "invalid")
    assert answer(ana, ask(), more=1) == (422, "invalid")


def test_invalid_answers_are_named(ana: User, api_of: Callable[..., APIClient]) -> None:
    request = ask(form=COST_CENTRE, needs_reason=True)
    answer = send(api_of(ana), request, verdict="approve", answers={"cost_centre": 17})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"answers/cost_centre", "reason"}


@pytest.mark.parametrize(
    ("body", "decision"),
    [
        ({"verdict": "done", "result": None}, {"decision": "done", "result": None}),
        ({"verdict": "done", "result": "sent"}, {"decision": "done", "result": "sent"}),
        ({"verdict": "again"}, {"decision": "again"}),
        ({"verdict": "fail"}, {"decision": "fail"}),
    ],
    ids=["null", "text", "again", "fail"],
)  # fmt: skip
def test_an_unknown_outcome(
    ana: User, api_of: Callable[..., APIClient], body: dict, decision: dict
) -> None:
    request = ask(kind="unknown_outcome", tool="crm.send_mail")
    answer = send(api_of(ana), request, reason="looked", **body)
    assert answer.status_code == 201, answer.json()
    assert answer.json()["answer"] == {**decision, "by": "ana"}


def test_a_key_votes_only_with_the_scope(
    ana: User, ben: User, api_with: Callable[[str], APIClient]
) -> None:
    for scopes, status in ((("execute", "read", "manage"), 403), (("approve",), 201)):
        client = api_with(create_key(owner=ana, scopes=scopes)[1])
        assert send(client, ask(), verdict="approve").status_code == status
    request = ask(waiting_run(user=ana))
    by_key = api_with(create_key(owner=ana, scopes=("approve",))[1])
    assert kind_of(send(by_key, request, verdict="approve")) == (403, "own-run")


def test_a_bound_key_sees_its_deployment_alone(
    ana: User, api_with: Callable[[str], APIClient]
) -> None:
    mine, other = ask(), ask()
    bound = [mine.execution.deployment]  # type: ignore[union-attr]
    client = api_with(create_key(owner=ana, scopes=("approve",), deployments=bound)[1])
    assert send(client, other, verdict="approve").status_code == 404
    assert send(client, mine, verdict="approve").status_code == 201
