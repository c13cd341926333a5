"""Requests a minute and a day: exactly as many as allowed, said in headers, never more."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from deployments.access import limits
from deployments.access.limits import Limit, count_request, count_request_async
from deployments.errors import RateLimitReached
from deployments.models import Deployment
from designs.rows.ids import new_id
from executor.models import Execution

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
Api = Callable[[str], APIClient]
KeyOf = Callable[..., str]


@pytest.fixture
def client(operator: User, key_of: KeyOf, api_with: Api) -> APIClient:
    return api_with(key_of(operator))


def post(client: APIClient) -> Any:
    return client.post("/api/deployed/double", {"number": 1}, format="json")


def test_a_deployment_lets_its_limit_through_and_no_more(deploy: Deploy, client: APIClient) -> None:
    deploy(requests_per_minute=3, requests_per_day=100)
    first = post(client)
    assert first.status_code == 200
    assert first["RateLimit-Policy"] == (
        '"deployment-minute";q=3;w=60, "deployment-day";q=100;w=86400'
    )
    assert first["RateLimit"].startswith('"deployment-minute";r=2;t=60, "deployment-day";r=99;t=')
    assert [post(client).status_code for _ in range(3)] == [200, 200, 429]
    refused = post(client)
    assert 0 < int(refused["Retry-After"]) <= 60
    assert '"deployment-minute";r=0;' in refused["RateLimit"]
    # What one limit refuses uses up none of the others.
    assert '"deployment-day";r=97;' in refused["RateLimit"]
    body = refused.json()
    assert refused["Content-Type"] == "application/problem+json"
    assert body["type"] == "/problems/rate-limit-reached"
    assert body["violated-policies"] == ["deployment-minute"]
    assert "3 requests in a minute" in body["detail"]
    assert Execution.objects.count() == 3


def test_a_key_has_a_limit_of_its_own_wherever_it_goes(
    deploy: Deploy, operator: User, key_of: KeyOf, api_with: Api
) -> None:
    deploy()
    client = api_with(key_of(operator, requests_per_day=3))
    assert client.get("/api/deployments")["RateLimit"].startswith('"key-day";r=2;')
    assert client.get("/api/executions").status_code == 200
    assert post(client).status_code == 200
    for refused in (client.get("/api/executions"), post(client)):
        assert refused.status_code == 429
        assert refused.json()["violated-policies"] == ["key-day"]
    assert post(api_with(key_of(operator))).status_code == 200


def test_without_limits_nothing_is_counted(deploy: Deploy, client: APIClient) -> None:
    deploy()
    assert "RateLimit" not in post(client)


def test_racing_calls_let_exactly_the_limit_through(
    deploy: Deploy, operator: User, key_of: KeyOf, api_with: Api
) -> None:
    deploy(requests_per_minute=10)
    key = key_of(operator)
    found: list[int] = []

    def call() -> None:
        found.extend(post(api_with(key)).status_code for _ in range(5))
        connection.close()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found.count(200), found.count(429)) == (10, 30)


async def test_the_minute_slides() -> None:
    """What counts is the time of each request."""
    limit = [Limit("test-minute", f"orchestra:limit:test:{new_id()}", 2, 60)]

    def pass_seconds(seconds: int) -> None:
        with redis.Redis.from_url(settings.REDIS_URL) as client:
            for place, at in enumerate(client.lrange(limit[0].counter, 0, -1)):
                client.lset(limit[0].counter, place, int(at) - 1000 * seconds)

    await count_request_async(limit)
    pass_seconds(35)
    await count_request_async(limit)
    for _ in range(2):
        with pytest.raises(RateLimitReached):
            await count_request_async(limit)
    pass_seconds(30)
    # The first one has left the window, the second has not.
    await count_request_async(limit)
    with pytest.raises(RateLimitReached):
        await count_request_async(limit)


def test_without_redis_calls_go_on_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limit = [Limit("test-minute", f"orchestra:limit:test:{new_id()}", 1, 60)]
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(limits.patience._warning, "_next_at", 0.0)
    limits._script.cache_clear()
    try:
        with caplog.at_level(logging.WARNING):
            assert [count_request(limit) for _ in range(3)] == [{}, {}, {}]
        assert caplog.text.count("limits are not kept for now") == 1
    finally:
        limits._script.cache_clear()
        limits.patience.answered()


def test_one_request_is_one_round_trip() -> None:
    server = redis.Redis.from_url(settings.REDIS_URL)
    found = [Limit(f"test-{n}", f"orchestra:limit:test:{new_id()}", 5, 60) for n in range(4)]
    count_request(found)
    before = server.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert count_request(found)["RateLimit"].count("r=3") == 4
    assert server.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
