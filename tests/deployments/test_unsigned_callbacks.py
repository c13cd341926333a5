"""Callbacks whose secret can no longer be read: each try is logged, and there is a final one."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.db import connection
from django.utils import timezone

from deployments.callbacks.deliveries import try_delivery
from deployments.callbacks.tries import PAUSES
from deployments.models import CallbackSecret, Delivery, Deployment
from tests.deployments.test_callbacks import ended
from tests.receivers import receiver

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_told_once_the_key_is_back_and_ends_if_it_never_is(
    deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = dataclasses.replace(settings.ENVIRONMENT, egress_allow=("127.0.0.1",))
    monkeypatch.setattr(settings, "ENVIRONMENT", environment)
    with receiver() as server:
        delivery = ended(deploy, server.url)
        CallbackSecret.objects.create(
            deployment=delivery.deployment, secret=CallbackSecret.new_text()
        )
        foreign = Fernet(Fernet.generate_key()).encrypt(b"whsec_lost").decode()
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM deployments_callbacksecret")
            good = cursor.fetchone()[0]
            prefix = good[: good.index("gAAAA")]
            change = "UPDATE deployments_callbacksecret SET secret = %s"
            cursor.execute(change, [prefix + foreign])
            for attempt in range(1, len(PAUSES) + 2):
                asyncio.run(try_delivery(delivery.pk))
                delivery.refresh_from_db()
                assert delivery.attempts == attempt
                assert "ORCHESTRA_ENCRYPTION_KEYS" in delivery.log[-1]["error"]
                assert (delivery.status == "failed") is (attempt > len(PAUSES))
                Delivery.objects.update(next_attempt_at=timezone.now())
            assert server.seen == []
            cursor.execute(change, [good])
        Delivery.objects.update(status="pending", attempts=1)
        asyncio.run(try_delivery(delivery.pk))
        delivery.refresh_from_db()
        assert delivery.status == "delivered"
        assert len(server.seen) == 1
