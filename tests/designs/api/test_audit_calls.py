"""The audit by the API: for administrators, filtered, page by page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.access.keys import create_key
from deployments.services import deploy_design
from designs.access import SYSTEM, caller_of
from designs.acting import acting
from designs.auditing.audit import Action, AuditEntry, note
from designs.models import Design
from designs.services import change_draft, create_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db

URL = "/api/audit"


@pytest.fixture
def client(administrator: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(administrator)


@pytest.fixture
def row(designer: User) -> Design:
    """Made by the installation, changed by a person."""
    row = create_design(document=doubling(), caller=SYSTEM)
    with acting(caller_of(designer), "192.0.2.30"):
        change_draft(design=row, caller=SYSTEM, document=doubling(), name="Twice")
    return row


def found(client: APIClient, **query: Any) -> list[Any]:
    answer = client.get(URL, query)
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def test_an_entry(client: APIClient, row: Design, designer: User) -> None:
    [entry, _] = found(client, object=str(row.pk), model="designs.design")
    at = AuditEntry.objects.filter(object_pk=row.pk).latest("pk").timestamp
    assert entry.pop("id")
    assert entry.pop("correlation_id")
    assert entry == {
        "at": at.isoformat().replace("+00:00", "Z"),
        "action": "update",
        "actor": "designer",
        "actor_id": designer.pk,
        "key": None,
        "key_id": None,
        "address": "192.0.2.30",
        "model": "designs.design",
        "object_id": str(row.pk),
        "object": "Twice",
        "changes": [
            {"field": "draft/name", "before": "Doubling", "after": "Twice"},
            {"field": "name", "before": "Doubling", "after": "Twice"},
        ],
        "details": {},
    }


def test_filters(client: APIClient, row: Design) -> None:
    assert [e["object"] for e in found(client, actor="designer", action="update")] == ["Twice"]
    both = found(client, actor="system", model="designs.design", action=["create", "delete"])
    assert [e["action"] for e in both] == ["create"]
    assert not found(client, actor="designer", action="delete")
    first, last = (e["at"] for e in reversed(found(client, object=str(row.pk))))
    assert [e["action"] for e in found(client, since=last, object=str(row.pk))] == ["update"]
    assert [e["action"] for e in found(client, until=last, object=str(row.pk))] == ["create"]
    at = AuditEntry.objects.filter(object_pk=row.pk).latest("pk").timestamp + timedelta(seconds=1)
    assert not found(client, since=at.isoformat(), actor="designer")
    assert found(client, since=first, until=at.isoformat(), actor="designer")


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"action": "praise"},
        {"model": "auth.secret"},
        {"model": "\0"},
        {"actor": "a" * 201},
        {"object": "\0"},
    ],
)
def test_what_is_no_filter_is_said(client: APIClient, query: dict[str, str]) -> None:
    answer = client.get(URL, query)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()["errors"]) == set(query)


def test_pages(client: APIClient, row: Design) -> None:
    for number in range(7):
        note(Action.EXPORT, row, number=number)
    url, seen = f"{URL}?limit=3&action=export", []
    while url:
        page = client.get(url).json()
        seen += [entry["details"]["number"] for entry in page["results"]]
        url = page["next"]
    assert seen == [6, 5, 4, 3, 2, 1, 0]
    assert client.get(f"{URL}?cursor=x").status_code == 404


def test_a_page_costs_the_same_for_many(
    client: APIClient, row: Design, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        note(Action.EXPORT, row, number=number)
    found(client)
    with django_assert_max_num_queries(9):
        assert len(found(client)) >= 30


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Designer", "Deployer"])
def test_who_may_not(
    group: str, make_user: Callable[..., User], api_of: Callable[[User], APIClient]
) -> None:
    assert api_of(make_user("other", group)).get(URL).status_code == 403
    assert APIClient().get(URL).status_code == 401


def test_a_key_needs_to_manage(
    administrator: User, api_with: Callable[[str], APIClient], row: Design
) -> None:
    for scopes, status in ((("read",), 403), (("execute",), 403), (("manage",), 200)):
        _, text = create_key(owner=administrator, scopes=scopes)
        assert api_with(text).get(URL).status_code == status, scopes


def test_a_bound_key_reads_of_its_deployments(
    administrator: User, api_with: Callable[[str], APIClient], row: Design
) -> None:
    mine, other = (
        deploy_design(design=row, endpoint_path=path, caller=SYSTEM) for path in ("/a", "/b")
    )
    _, text = create_key(owner=administrator, deployments=[mine])
    answer = found(api_with(text))
    assert {entry["object_id"] for entry in answer} == {str(mine.pk)}


def test_what_goes_into_runs_is_for_those_who_see_it(
    make_user: Callable[..., User], api_of: Callable[[User], APIClient], row: Design,
    client: APIClient,
) -> None:  # fmt: skip
    from django.contrib.auth.models import Permission

    made = deploy_design(
        design=row, endpoint_path="/a", caller=SYSTEM,
        schedule={"interval_seconds": 60, "input_data": {"number": 41}},
    )  # fmt: skip
    reader = make_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    schedule = str(made.schedules.get().pk)
    assert "41" in str(found(client, object=schedule))
    hidden = found(api_of(reader), object=schedule)
    assert {"field": "input_data", "before": None, "after": "(hidden)"} in hidden[0]["changes"]
