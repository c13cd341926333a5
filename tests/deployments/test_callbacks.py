"""Callbacks: signed, retried until accepted, and never sent to internal addresses."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from deployments.callbacks import deliveries, tries
from deployments.callbacks.deliveries import change_secret, sweep_deliveries, try_delivery
from deployments.errors import CallbackRefused, DeliveryPending
from deployments.models import CallbackSecret, Delivery, Deployment
from deployments.services import change_deployment, invoke_deployment
from designs.access import SYSTEM
from executor import states
from executor.models import Execution, Status, Trigger
from tests.receivers import Receiver, receiver

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that lets callbacks reach loopback."""
    environment = dataclasses.replace(settings.ENVIRONMENT, egress_allow=("127.0.0.1",))
    monkeypatch.setattr(settings, "ENVIRONMENT", environment)


@pytest.fixture
def server(opened: None) -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def ended(deploy: Deploy, url: str, path: str = "/double") -> Delivery:
    """A delivery whose run has ended."""
    deployment = deploy(path=path, callback_url=url)
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": 4}, trigger=Trigger.API, caller=SYSTEM
    )
    states.claim(execution.pk, owner="test", lease_seconds=30)
    assert states.finish(execution.pk, Status.COMPLETED, attempt=1, result_data=8)
    return execution.deliveries.get()


def tried(delivery: Delivery) -> Delivery:
    asyncio.run(try_delivery(delivery.pk))
    delivery.refresh_from_db()
    return delivery


def is_signed(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """An independent check by the rules of Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def test_the_signature_is_the_standards() -> None:
    found = tries.signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        at=1614265330,
    )
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_end_of_a_run_is_told_signed(deploy: Deploy, server: Receiver) -> None:
    delivery = ended(deploy, server.url)
    secret = change_secret(deployment=delivery.deployment)
    assert tried(delivery).status == "delivered"
    [(headers, body)] = server.seen
    assert is_signed(headers, body, secret)
    assert not is_signed(headers, body + b" ", secret)
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    told = json.loads(body)
    assert told["type"] == "execution.completed"
    assert told["data"]["result"] == 8
    assert told["data"]["log_id"] == str(delivery.execution_id)
    assert delivery.log[0]["status_code"] == 200
    # An accepted callback is not sent again.
    tried(delivery)
    assert len(server.seen) == 1


def test_the_secret_is_kept_encrypted_and_changes_with_overlap(
    deploy: Deploy, server: Receiver
) -> None:
    delivery = ended(deploy, server.url)
    old = change_secret(deployment=delivery.deployment)
    new = change_secret(deployment=delivery.deployment, overlap_seconds=60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM deployments_callbacksecret")
        assert old[6:] not in (row := str(cursor.fetchall()))
        assert new[6:] not in row
    tried(delivery)
    headers, body = server.seen[0]
    assert is_signed(headers, body, old)
    assert is_signed(headers, body, new)
    CallbackSecret.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    deliveries.redeliver(delivery=delivery)
    tried(delivery)
    headers, body = server.seen[1]
    assert not is_signed(headers, body, old)
    assert is_signed(headers, body, new)
    assert headers["webhook-id"] == server.seen[0][0]["webhook-id"]


def test_nothing_is_told_while_the_run_goes_on(deploy: Deploy, server: Receiver) -> None:
    deployment = deploy(callback_url=server.url)
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": 4}, trigger=Trigger.API, caller=SYSTEM
    )
    assert tried(execution.deliveries.get()).attempts == 0
    assert sweep_deliveries() == 0
    with pytest.raises(DeliveryPending):
        deliveries.redeliver(delivery=execution.deliveries.get())
    assert server.seen == []


def test_what_is_not_heard_is_tried_again_later(deploy: Deploy, opened: None) -> None:
    with receiver(500, 302, 429, retry_after="3600", location="http://127.0.0.1:1/") as server:
        delivery = ended(deploy, server.url)
        waits = []
        for attempt in (1, 2, 3, 4):
            assert tried(delivery).attempts == attempt
            waits.append((delivery.next_attempt_at - timezone.now()).total_seconds())
            # Too early: no try.
            assert tried(delivery).attempts == attempt
            Delivery.objects.update(next_attempt_at=timezone.now())
    assert [entry["status_code"] for entry in delivery.log] == [500, 302, 429, 200]
    assert delivery.status == "delivered"
    assert waits[2] > 3000
    assert len({headers["webhook-id"] for headers, _ in server.seen}) == 1


@pytest.mark.parametrize("asked", ["\u00b2", "9" * 5000, "soon"])
def test_a_wait_that_is_no_number_is_not_waited_for(
    deploy: Deploy, opened: None, asked: str
) -> None:
    with receiver(429, retry_after=asked) as server:
        delivery = tried(ended(deploy, server.url))
    assert [entry["status_code"] for entry in delivery.log] == [429]
    assert (delivery.next_attempt_at - timezone.now()).total_seconds() < 10


def test_who_is_gone_is_left_alone_and_so_is_who_never_answers(
    deploy: Deploy, opened: None
) -> None:
    with receiver(410) as server:
        delivery = ended(deploy, server.url)
        assert tried(delivery).status == "failed"
    Delivery.objects.update(status="pending", next_attempt_at=timezone.now())
    for _ in range(len(tries.PAUSES) + 1):
        assert tried(delivery).status in ("pending", "failed")
        Delivery.objects.filter(status="pending").update(next_attempt_at=timezone.now())
    assert delivery.status == "failed"
    assert "failed" in delivery.log[-1]["error"]


def test_inner_addresses_are_refused_at_once_and_at_each_try(
    deploy: Deploy, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = ended(deploy, server.url)
    closed: Any = dataclasses.replace(settings.ENVIRONMENT, egress_allow=())
    monkeypatch.setattr(settings, "ENVIRONMENT", closed)
    assert tried(delivery).status == "failed"
    assert "inner address" in delivery.log[0]["error"]
    assert server.seen == []
    with pytest.raises(CallbackRefused, match="inner address"):
        change_deployment(deployment=delivery.deployment, caller=SYSTEM, callback_url=server.url)


def test_a_sweep_makes_up_for_lost_messages(deploy: Deploy, server: Receiver) -> None:
    ended(deploy, server.url)
    assert sweep_deliveries() == 1
    # Sent a moment ago: not again.
    assert sweep_deliveries() == 0
    Delivery.objects.update(sent_at=timezone.now() - timedelta(minutes=1))
    assert sweep_deliveries() == 1
    assert Execution.objects.get().settles
