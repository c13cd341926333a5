"""That a run waits is told once for each wait, and its end apart from that."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings

from deployments.callbacks.deliveries import sweep_deliveries, try_delivery
from deployments.callbacks.waits import tell_waiting
from deployments.models import Delivery
from deployments.services import deploy_design, invoke_deployment
from designs.access import SYSTEM
from designs.services import create_design
from executor.models import Execution, Status, Trigger
from executor.services import cancel_execution
from tests.deciding import join
from tests.executor.waiting_designs import asking_design, perform, request_of
from tests.receivers import Receiver, receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    environment = dataclasses.replace(settings.ENVIRONMENT, egress_allow=("127.0.0.1",))
    monkeypatch.setattr(settings, "ENVIRONMENT", environment)
    with receiver() as found:
        yield found


def waiting_run(make_user: Any, url: str) -> Execution:
    join("finance", make_user("ana", "Operator"))
    design = create_design(document=asking_design(), caller=SYSTEM)
    deployment = deploy_design(design=design, endpoint_path="/pay", caller=SYSTEM, callback_url=url)
    run = invoke_deployment(
        deployment=deployment, input_data={}, trigger=Trigger.API, caller=SYSTEM
    )
    run = perform(run)
    assert run.status == Status.WAITING
    return run


def test_it_tells_what_is_waited_for_and_the_end_later(make_user: Any, server: Receiver) -> None:
    run = waiting_run(make_user, server.url)
    for _ in range(2):
        # The second message, and the sweep after a lost one, write no other.
        tell_waiting(run.pk)
    sweep_deliveries()
    told = Delivery.objects.get(execution=run, wait_attempt=1)
    assert asyncio.run(try_delivery(told.pk))
    body = json.loads(server.seen[-1][1])
    assert (body["type"], body["data"]["status"]) == ("execution.waiting", "waiting")
    assert body["data"]["waiting_for"][0]["request_id"] == str(request_of(run).pk)
    assert body["data"]["usage"]["model_calls"] == 1
    end = Delivery.objects.of_ends().get(execution=run)
    assert not asyncio.run(try_delivery(end.pk))
    cancel_execution(execution=run, caller=SYSTEM)
    assert asyncio.run(try_delivery(end.pk))
    assert json.loads(server.seen[-1][1])["type"] == "execution.cancelled"
    assert [told.event, end.event] == ["waiting", "end"]


def test_who_wants_no_callback_is_told_nothing(make_user: Any) -> None:
    run = waiting_run(make_user, "")
    tell_waiting(run.pk)
    sweep_deliveries()
    assert not Delivery.objects.filter(execution=run).exists()
