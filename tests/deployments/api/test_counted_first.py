"""A request is counted before anything is done for it, however it ends."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from deployments.models import Deployment
from orchestra.server import fast_lane
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
Api = Callable[[str], APIClient]
KeyOf = Callable[..., str]
JSON = "application/json"
GOOD = b'{"number": 1}'

REFUSED = {
    "not JSON": ("POST", "/api/deployed/double", b"{", JSON, 400),
    "no scope": ("DELETE", "/api/designs/00000000-0000-0000-0000-000000000001", b"", JSON, 403),
    "nothing there": ("POST", "/api/deployed/nowhere", GOOD, JSON, 404),
    "no such id": ("GET", "/api/executions/00000000000000000000000000000001", b"", JSON, 404),
    "no such method": ("DELETE", "/api/deployed/double", b"", JSON, 405),
    "too large": ("POST", "/api/deployed/double", b"1" * 1_100_000, JSON, 413),
    "too large elsewhere": ("POST", "/api/keys", b"1" * 1_100_000, JSON, 413),
    "no JSON": ("POST", "/api/deployed/double", GOOD, "text/plain", 415),
    "not by its id": ("POST", "/api/deployments/{id}/execute", b"[", JSON, 400),
    "does not fit": ("POST", "/api/deployed/double", b'{"number": "x"}', JSON, 422),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_was_counted(
    deploy: Deploy, operator: User, key_of: KeyOf, api_with: Api, what: str
) -> None:
    method, path, body, kind, status = REFUSED[what]
    path = path.format(id=deploy().pk)
    client = api_with(key_of(operator, requests_per_minute=2))
    for _ in range(2):
        answer = client.generic(method, path, body, content_type=kind)
        assert answer.status_code == status
        assert answer["RateLimit-Policy"].startswith('"key-minute";q=2')
    assert client.generic(method, path, body, content_type=kind).status_code == 429


@pytest.mark.parametrize("path", ["/api/deployed/double", "/api/deployments/{id}/execute"])
def test_a_deployment_counts_those_that_see_it_also_with_a_bad_body(
    deploy: Deploy, operator: User, viewer: User, key_of: KeyOf, api_with: Api, path: str
) -> None:
    path = path.format(id=deploy(requests_per_minute=2).pk)
    stranger, client = api_with(key_of(viewer)), api_with(key_of(operator))
    bad: dict[str, Any] = {"data": b"{", "content_type": JSON}
    # Once not remembered and once remembered, it is the same.
    assert [stranger.post(path, **bad).status_code for _ in range(3)] == [403] * 3
    assert [client.post(path, **bad).status_code for _ in range(3)] == [400, 400, 429]


def round_trips() -> int:
    """Of all limits so far: each counts by one call of a script."""
    commands = redis.Redis.from_url(settings.REDIS_URL).info("commandstats")
    return int(commands.get("cmdstat_evalsha", {}).get("calls", 0))


@pytest.mark.usefixtures("_cached_for_long")
@pytest.mark.parametrize("status", [200, 429, 400])
def test_key_and_deployment_are_one_round_trip_and_no_query(
    deploy: Deploy, operator: User, key_of: KeyOf, api_with: Api, status: int
) -> None:
    deploy(requests_per_minute=1_000)
    most = 4 if status == 429 else 1_000
    client = api_with(key_of(operator, requests_per_minute=most, requests_per_day=1_000))
    body = b"{" if status == 400 else GOOD

    def post() -> Any:
        return client.generic("POST", "/api/deployed/double", body, content_type=JSON)

    for _ in range(3):
        post()
    # The last that is let through.
    post()
    before = round_trips()
    with CaptureQueriesContext(connection) as queries:
        answer = post()
    assert answer.status_code == status
    assert round_trips() == before + 1
    assert not queries.captured_queries


def test_a_person_has_limits_too(
    deploy: Deploy,
    operator: User,
    viewer: User,
    api_of: Callable[[User], APIClient],
    key_of: KeyOf,
    api_with: Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = dataclasses.replace(
        settings.ENVIRONMENT, person_requests_per_minute=3, person_requests_per_day=100
    )
    monkeypatch.setattr(settings, "ENVIRONMENT", few)
    deploy()
    client = api_of(operator)
    first = client.get("/api/deployments")
    assert first["RateLimit-Policy"] == '"person-minute";q=3;w=60, "person-day";q=100;w=86400'
    assert client.post("/api/deployed/double", {"number": 1}, format="json").status_code == 200
    # Over all sessions of the person.
    other = api_of(operator)
    assert other.get("/api/executions").status_code == 200
    refused = other.post("/api/deployed/double", {"number": 1}, format="json")
    assert refused.status_code == 429
    assert refused.json()["violated-policies"] == ["person-minute"]
    assert api_of(viewer).get("/api/deployments").status_code == 200
    assert api_with(key_of(operator)).get("/api/deployments").status_code == 200


class Caller:
    """A caller of the fast lane that sends its body in pieces: what was asked of it, in order."""

    def __init__(self, key: str, length: int) -> None:
        self.asked: list[str] = []
        self.left = length
        self.status = 0
        self.body = b""
        self.scope = {
            "type": "http", "method": "POST", "path": "/api/deployed/double", "query_string": b"",
            "client": ("192.0.2.12", 4000), "server": ("testserver", 80), "scheme": "http",
            "headers": [
                (b"host", b"testserver"), (b"content-type", b"application/json"),
                (b"content-length", str(length).encode()),
                (b"authorization", f"Bearer {key}".encode()),
            ],
        }  # fmt: skip

    async def receive(self) -> Any:
        self.asked.append("body")
        piece = b" " * min(self.left, 100_000)
        self.left -= len(piece)
        return {"type": "http.request", "body": piece, "more_body": self.left > 0}

    async def send(self, message: Any) -> None:
        self.asked.append("answer")
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")

    def call(self) -> None:
        assert fast_lane.takes(self.scope)
        assert async_to_sync(fast_lane.answer)(self.scope, self.receive, self.send)


def test_the_fast_lane_answers_before_it_reads_a_body_that_nobody_may_send(
    deploy: Deploy, operator: User, viewer: User, key_of: KeyOf
) -> None:
    deploy()
    spent = key_of(operator, requests_per_minute=1)
    Caller(spent, 10).call()
    keys = {"orc_00000000_wrong": 401, key_of(viewer): 403, spent: 429}
    for key, status in keys.items():
        caller = Caller(key, 1_000_000)
        caller.call()
        assert caller.status == json.loads(caller.body)["status"] == status
        # Then the rest is read away, so that the client comes to hear the answer.
        assert caller.asked == ["answer"] * 2 + ["body"] * 10
    good = Caller(key_of(operator), 1_000_000)
    good.call()
    assert good.asked == ["body"] * 10 + ["answer"] * 2
    assert good.status == 400


def test_a_caller_that_leaves_gets_no_answer(deploy: Deploy, operator: User, key_of: KeyOf) -> None:
    deploy(doubling(), "/other")
    caller = Caller(key_of(operator), 1_000_000)

    async def left() -> Any:
        return {"type": "http.disconnect"}

    caller.scope["path"] = "/api/deployed/other"
    assert async_to_sync(fast_lane.answer)(caller.scope, left, caller.send)
    assert caller.asked == []
