"""The calls that manage keys: a secret shown once, renewed with an overlap, taken away at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from deployments.access.keys import create_key, forget_keys
from deployments.models import ApiKey, Deployment

pytestmark = pytest.mark.django_db

Api = Callable[[str], APIClient]
KeyOf = Callable[..., str]
SHAPE = {
    "id", "name", "prefix", "owner", "scopes", "made_by", "deployment_ids", "is_usable",
    "created_at", "expires_at", "revoked_at", "overlap_until", "last_used_at", "last_used_address",
    "requests_per_minute", "requests_per_day", "max_concurrent",
}  # fmt: skip


@pytest.fixture
def client(operator: User, key_of: KeyOf, api_with: Api) -> APIClient:
    return api_with(key_of(operator))


def make(client: APIClient, **fields: Any) -> Any:
    return client.post("/api/keys", {"scopes": ["read"], **fields}, format="json")


def test_a_key_is_made_and_shown_once(client: APIClient, api_with: Api) -> None:
    answer = make(client, name="Nightly", requests_per_minute=7)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    body = answer.json()
    assert set(body) == SHAPE | {"key"}
    assert body["key"].startswith(f"orc_{body['prefix']}_")
    assert (body["owner"], body["name"], body["requests_per_minute"]) == ("operator", "Nightly", 7)
    shown = client.get(answer["Location"])
    assert set(shown.json()) == SHAPE
    listed = client.get("/api/keys").json()["results"]
    assert body["id"] in {key["id"] for key in listed}
    assert body["key"] not in str(listed) + shown.content.decode()
    # The new key works within its scopes.
    assert api_with(body["key"]).get("/api/deployments").status_code == 200
    assert make(api_with(body["key"])).status_code == 403


def test_a_revoked_key_is_refused_at_once(client: APIClient, api_with: Api) -> None:
    body = make(client).json()
    other = api_with(body["key"])
    assert other.get("/api/deployments").status_code == 200
    assert client.delete(f"/api/keys/{body['id']}").status_code == 204
    assert other.get("/api/deployments").status_code == 401
    row = client.get(f"/api/keys/{body['id']}").json()
    assert row["revoked_at"]
    assert row["is_usable"] is False
    assert client.post(f"/api/keys/{body['id']}/rotate").status_code == 409


def test_both_secrets_work_in_the_overlap(client: APIClient, api_with: Api) -> None:
    body = make(client).json()
    url = f"/api/keys/{body['id']}/rotate"
    renewed = client.post(url, {"overlap_seconds": 60}, format="json").json()
    assert renewed["id"] == body["id"]
    assert renewed["overlap_until"]
    for text in (body["key"], renewed["key"]):
        assert api_with(text).get("/api/deployments").status_code == 200
    ApiKey.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    forget_keys()
    assert api_with(body["key"]).get("/api/deployments").status_code == 401
    assert api_with(renewed["key"]).get("/api/deployments").status_code == 200
    # Without an overlap the secret before stops at once.
    last = client.post(url).json()
    assert api_with(renewed["key"]).get("/api/deployments").status_code == 401
    assert api_with(last["key"]).get("/api/deployments").status_code == 200


def test_where_and_when_a_key_was_used_last(client: APIClient, api_with: Api) -> None:
    body = make(client).json()
    assert body["last_used_at"] is None
    api_with(body["key"]).get("/api/deployments", REMOTE_ADDR="203.0.113.9")
    row = client.get(f"/api/keys/{body['id']}").json()
    assert row["last_used_at"]
    assert row["last_used_address"] == "203.0.113.9"


def test_a_key_makes_no_key_that_could_do_more(
    operator: User, api_with: Api, key_of: KeyOf, deploy: Callable[..., Deployment]
) -> None:
    one, other = deploy(path="/one"), deploy(path="/other")
    soon = timezone.now() + timedelta(hours=1)
    maker, text = create_key(
        owner=operator, scopes=("read", "manage"), deployments=[one], expires_at=soon,
        requests_per_minute=5,
    )  # fmt: skip
    client = api_with(text)
    within: dict[str, Any] = {
        "deployment_ids": [str(one.pk)],
        "expires_at": soon.isoformat(),
        "requests_per_minute": 5,
    }
    assert make(client, **within).status_code == 201
    for beyond in (
        {"scopes": ["execute"]},
        {"deployment_ids": []},
        {"expires_at": None},
        {"expires_at": (soon + timedelta(hours=1)).isoformat()},
        {"requests_per_minute": None},
        {"requests_per_minute": 6},
    ):
        forget_keys()
        ApiKey.objects.filter(pk=maker.pk).update(requests_per_minute=5)
        answer = make(client, **{**within, **beyond})
        assert answer.status_code in (403, 429), beyond
    assert make(api_with(key_of(operator)), deployment_ids=[str(other.pk)]).status_code == 201


def test_a_key_renews_no_key_beyond_itself(operator: User, api_with: Api) -> None:
    wide, _ = create_key(owner=operator)
    narrow, text = create_key(owner=operator, scopes=("read", "manage"))
    client = api_with(text)
    assert client.post(f"/api/keys/{wide.pk}/rotate").status_code == 403
    assert client.post(f"/api/keys/{narrow.pk}/rotate").status_code == 200


def test_who_may_not_is_refused(
    viewer: User, operator: User, administrator: User, key_of: KeyOf, api_with: Api,
    make_user: Callable[..., User],
) -> None:  # fmt: skip
    assert make(api_with(key_of(viewer))).status_code == 403
    assert make(api_with("")).status_code == 401
    theirs, _ = create_key(owner=make_user("other", "Operator"))
    url = f"/api/keys/{theirs.pk}"
    client = api_with(key_of(operator))
    assert client.get(url).status_code == 404
    assert client.delete(url).status_code == 404
    assert client.post(f"{url}/rotate").status_code == 404
    boss = api_with(key_of(administrator))
    assert boss.get(url).status_code == 200
    assert boss.post(f"{url}/rotate").status_code == 403
    assert boss.delete(url).status_code == 204
    reader = api_with(key_of(operator, scopes=("read",)))
    assert reader.get("/api/keys").status_code == 200
    assert make(reader).status_code == 403


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"deployment_ids": ["01920000-0000-7000-8000-000000000000"]}, "deployment_ids"),
        ({"owner": "administrator"}, "owner"),
    ],
)
def test_wrong_fields_are_named(client: APIClient, fields: dict[str, Any], name: str) -> None:
    answer = make(client, **fields)
    assert answer.status_code == 422
    assert name in answer.json()["errors"]
    assert ApiKey.objects.count() == 1
