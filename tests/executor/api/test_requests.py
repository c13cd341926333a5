"""Requests to people by the API: what is shown to whom, filters and pages."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from deployments.access.keys import create_key
from executor.models import DecisionRequest
from tests.deciding import ask, cast, join, waiting_run, waiting_try

pytestmark = pytest.mark.django_db(transaction=True)
Api = Callable[[User], APIClient]


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


def found(client: APIClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/requests", query)
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def test_a_request(ana: User, operator: User, api_of: Api) -> None:
    run = waiting_run(user=operator)
    request = ask(run)
    seen = api_of(ana).get(f"/api/requests/{request.pk}").json()
    assert seen.pop("created_at").endswith("Z")
    assert seen == {
        "id": str(request.pk),
        "execution_id": run.public_id,
        "log_id": str(run.pk),
        "deployment": {
            "id": str(run.deployment_id), "endpoint_path": run.deployment.endpoint_path,
        },
        "kind": "approval",
        "status": "open",
        "block_id": "release",
        "agent_id": None,
        "tool": None,
        "group": "finance",
        "required": 1,
        "question": "Pay 1,200 EUR to ACME?",
        "shown": {"amount": 1200},
        "shown_hidden": False,
        "form": None,
        "needs_reason": False,
        "allows_self": False,
        "due_at": None,
        "on_due": "timed_out",
        "may_decide": True,
        "started_by": "operator",
        "decided_at": None,
        "answer": None,
        "votes": [],
    }  # fmt: skip
    assert found(api_of(ana)) == [api_of(ana).get(f"/api/requests/{request.pk}").json()]
    assert found(api_of(operator))[0]["may_decide"] is False


def test_what_is_shown_is_for_members_and_who_sees_payloads(
    ana: User, viewer: User, api_of: Api
) -> None:
    request = ask(kind="unknown_outcome", shown={"to": "acme"})
    cast(request, ana, "done", reason="looked", result={"id": 7})
    (hidden,) = found(api_of(viewer))
    assert (hidden["shown"], hidden["shown_hidden"]) == (None, True)
    assert hidden["answer"] == {"decision": "done", "by": "ana"}
    assert hidden["votes"][0]["answers"] is None
    join("finance", viewer)
    (seen,) = found(api_of(User.objects.get(pk=viewer.pk)))
    assert (seen["shown"], seen["shown_hidden"]) == ({"to": "acme"}, False)
    assert seen["answer"]["result"] == {"id": 7}


def test_filters(ana: User, operator: User, api_of: Api) -> None:
    mine, decided, own = ask(), ask(), ask(waiting_run(user=ana))
    tool, others = ask(kind="tool_call"), ask(group="legal")
    cast(decided, ana)
    client = api_of(ana)

    def ids(**query: Any) -> set[str]:
        return {row["id"] for row in found(client, **query)}

    assert ids(status="approved") == {str(decided.pk)}
    assert ids(kind="tool_call") == {str(tool.pk)}
    assert ids(deployment=str(mine.execution.deployment_id)) == {str(mine.pk)}  # type: ignore[union-attr]
    assert ids(mine="true") == {str(mine.pk), str(tool.pk)}
    assert ids(mine="false") == {str(row.pk) for row in (mine, decided, own, tool, others)}
    assert found(api_of(operator), mine="true") == []
    for query in ("status=odd", "mine=odd", "deployment=1", "kind=x", "other=1"):
        assert client.get(f"/api/requests?{query}").status_code == 422, query


def test_who_sees_none(ana: User, make_user: Callable[..., User], api_of: Api) -> None:
    hidden, of_try = ask(waiting_run()), ask(waiting_try())
    hidden.execution.deployment.groups.set([Group.objects.create(name="else")])  # type: ignore[union-attr]
    assert [row["id"] for row in found(api_of(ana))] == [str(of_try.pk)]
    assert api_of(ana).get(f"/api/requests/{hidden.pk}").status_code == 404
    assert api_of(ana).get(f"/api/requests/{uuid.uuid4()}").status_code == 404
    assert api_of(make_user("nobody")).get("/api/requests").status_code == 403


def test_keys_read_with_read_or_approve(ana: User, api_with: Callable[[str], APIClient]) -> None:
    for scope, status in (("read", 200), ("approve", 200), ("manage", 200), ("execute", 403)):
        client = api_with(create_key(owner=ana, scopes=(scope,))[1])
        assert client.get("/api/requests").status_code == status, scope


def test_pages_go_from_the_newest_on_in_few_queries(ana: User, api_of: Api) -> None:
    requests = [ask(waiting_run()) for _ in range(5)]
    for request in requests[:3]:
        cast(DecisionRequest.objects.get(pk=request.pk), ana)
    client = api_of(ana)
    first = client.get("/api/requests?limit=3").json()
    second = client.get(first["next"]).json()
    listed = [row["id"] for row in first["results"] + second["results"]]
    assert listed == [str(row.pk) for row in reversed(requests)]

    def queries(limit: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found(client, limit=limit)
        return len(asked)

    assert queries(1) == queries(5)
