"""A process with a wrong clock delays no callback: only the database's clock counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.callbacks.deliveries import redeliver, sweep_deliveries
from deployments.models import Delivery, Deployment
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor import states
from executor.models import Status, Trigger

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
SOON = timedelta(minutes=10)


@pytest.fixture(params=[-2, 2], ids=["slow", "fast"])
def wrong_clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's clock is two hours wrong, the database's is right."""
    hours = request.param

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.now(tz) + timedelta(hours=hours)

    with monkeypatch.context() as patch:
        patch.setattr(timezone, "datetime", Wrong)
        yield


def right(at: datetime | None) -> bool:
    return at is not None and abs(at - datetime.now(UTC)) < SOON


def test_a_callback_is_due_when_its_run_has_ended(deploy: Deploy, wrong_clock: None) -> None:
    deployment = deploy(callback_url="https://example.com/done")
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": 4}, trigger=Trigger.API, caller=SYSTEM
    )
    states.claim(execution.pk, owner="test", lease_seconds=30)
    assert states.finish(execution.pk, Status.COMPLETED, attempt=1, result_data=8)
    assert sweep_deliveries() == 1
    delivery = Delivery.objects.get()
    assert right(delivery.next_attempt_at)
    assert right(delivery.sent_at)
    # Its message was lost: it is sent again after a while, not after hours.
    assert sweep_deliveries() == 0
    Delivery.objects.update(sent_at=datetime.now(UTC) - timedelta(minutes=1))
    assert sweep_deliveries() == 1
    redeliver(delivery=delivery)
    assert right(Delivery.objects.get().sent_at)
