"""Who may do what with designs over the API: groups, scopes of keys, bound keys, nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.models import Design
from designs.services import publish_design
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db

Make = Callable[..., Design]

READS = [
    ("GET", "/api/designs", None),
    ("GET", "/api/designs/{id}", None),
    ("GET", "/api/designs/{id}/export", None),
    ("GET", "/api/designs/{id}/versions", None),
    ("GET", "/api/designs/{id}/versions/1", None),
    ("POST", "/api/designs/{id}/validate", {}),
]
CHANGES = [
    ("POST", "/api/designs", {"document": greeting()}),
    ("POST", "/api/designs/import", greeting()),
    ("PATCH", "/api/designs/{id}", {"name": "Other"}),
    ("PUT", "/api/designs/{id}", {"document": doubling()}),
    ("POST", "/api/designs/{id}/publish", {}),
    ("POST", "/api/designs/{id}/versions/1/restore", {}),
    ("POST", "/api/designs/{id}/execute", {"input_data": {"number": 1}}),
]
DELETE = ("DELETE", "/api/designs/{id}", None)


@pytest.fixture
def design(make_design: Make) -> Design:
    found = make_design()
    publish_design(design=found, caller=SYSTEM)
    return found


def statuses(client: APIClient, design: Design, calls: list[Any]) -> set[int]:
    found = set()
    for method, path, body in calls:
        call = getattr(client, method.lower())
        answer = call(path.format(id=design.pk), body, format="json")
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"
        found.add(answer.status_code)
    return found


@pytest.mark.parametrize("group", ["Viewer", "Operator", "Deployer"])
def test_others_read_and_change_nothing(
    make_user: Callable[..., User], api_of: Callable[[User], APIClient], design: Design, group: str
) -> None:
    client = api_of(make_user("somebody", group))
    assert statuses(client, design, READS) == {200}
    assert statuses(client, design, [*CHANGES, DELETE]) == {403}
    design.refresh_from_db()
    assert design.name == "Doubling"
    assert design.versions.count() == 1
    assert Design.objects.count() == 1


@pytest.mark.parametrize("group", ["Designer", "Administrator"])
def test_designers_and_administrators_do_all(
    make_user: Callable[..., User],
    api_of: Callable[[User], APIClient],
    make_design: Make,
    design: Design,
    group: str,
) -> None:
    client = api_of(make_user("somebody", group))
    assert statuses(client, design, READS) == {200}
    assert statuses(client, design, CHANGES) <= {200, 201, 202}
    assert statuses(client, make_design(), [DELETE]) == {204}


def test_who_is_in_no_group_sees_nothing(
    make_user: Callable[..., User], api_of: Callable[[User], APIClient], design: Design
) -> None:
    client = api_of(make_user("somebody"))
    assert statuses(client, design, [*READS, *CHANGES, DELETE]) == {403}


def test_nobody_gets_in_without_signing_in(design: Design) -> None:
    assert statuses(APIClient(), design, [*READS, *CHANGES, DELETE]) == {401}


def test_a_session_needs_its_csrf_token(designer: User, design: Design) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(designer)
    assert statuses(client, design, READS[:-1]) == {200}
    assert statuses(client, design, [*CHANGES, DELETE]) == {403}


def test_a_key_does_what_its_scopes_cover(
    administrator: User,
    viewer: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    design: Design,
) -> None:
    reader = api_with(key_of(administrator, scopes=("read",)))
    assert statuses(reader, design, READS) == {200}
    assert statuses(reader, design, [*CHANGES, DELETE]) == {403}
    runner = api_with(key_of(administrator, scopes=("execute",)))
    assert statuses(runner, design, [*READS, *CHANGES, DELETE]) == {403}
    manager = api_with(key_of(administrator, scopes=("manage",)))
    assert statuses(manager, design, READS) == {200}
    assert statuses(manager, design, CHANGES) <= {200, 201, 202}
    weak = api_with(key_of(viewer))
    assert statuses(weak, design, [*CHANGES, DELETE]) == {403}


def test_a_bound_key_reads_the_designs_of_its_deployments_only(
    administrator: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
    make_design: Make,
    design: Design,
) -> None:
    other = make_design(greeting())
    publish_design(design=other, caller=SYSTEM)
    deployment = deploy_design(design=design, endpoint_path="/double", caller=SYSTEM)
    bound = api_with(key_of(administrator, deployments=[deployment]))
    assert statuses(bound, design, READS) == {200}
    assert [row["name"] for row in bound.get("/api/designs").json()["results"]] == ["Doubling"]
    assert statuses(bound, other, READS[1:]) == {404}
    assert statuses(bound, design, [*CHANGES, DELETE]) == {403}
