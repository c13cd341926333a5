"""Retry-After headers of receivers: seconds, or a date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from deployments.callbacks import tries
from deployments.models import Deployment
from tests.deployments.test_callbacks import ended, opened, tried  # noqa: F401 - a fixture
from tests.receivers import receiver

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("seconds", [-60, 3600, 10 * 86_400])
def test_a_wait_may_be_asked_for_by_a_date(deploy: Deploy, seconds: int) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    with receiver(429, retry_after=f"{until:%a, %d %b %Y %H:%M:%S} GMT") as server:
        delivery = tried(ended(deploy, server.url))
    waits = (delivery.next_attempt_at - timezone.now()).total_seconds()
    wanted = min(max(seconds, 5), 86_400)
    assert wanted - 120 < waits < wanted + 2


@pytest.mark.parametrize(
    "asked", ["", "Thu, 99 Foo 2026 25:61:61 GMT", "Sun, 06 Nov 99999 08:49:37 GMT", "0x10", "-5"]
)
def test_what_is_no_time_is_not_waited_for(asked: str) -> None:
    assert tries._asked_seconds(asked) <= 0
