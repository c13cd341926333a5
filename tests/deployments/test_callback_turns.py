"""Callbacks take their turn before they are claimed: none is sent twice, none is forgotten, and
servers that hang do not take the places of others.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from deployments.callbacks import deliveries, tries, turns
from deployments.callbacks.deliveries import settle_execution, try_delivery
from deployments.callbacks.turns import Line, Turns, note_speed
from deployments.models import Delivery, Deployment
from designs.outgoing.guarded_http import CallTooSlow, Reply
from designs.runtime.loops import PerLoop
from tests.deployments.test_callbacks import ended, tried
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[list[str], threading.Event]]:
    """(the ids that were sent, the event that lets the server answer)"""
    sent: list[str] = []
    go_on = threading.Event()

    async def send(url: str, *, headers: dict[str, str], **_: Any) -> Reply:
        sent.append(headers["webhook-id"])
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        return Reply(200, {}, b"")

    monkeypatch.setattr(tries, "send", send)
    try:
        yield sent, go_on
    finally:
        go_on.set()


def due_again() -> None:
    """Time passes: all claims expire."""
    Delivery.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_what_waits_is_not_claimed_and_nothing_is_sent_twice(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "AT_ONCE", 1)
    monkeypatch.setattr(turns, "_turns", PerLoop(Turns))
    claimed: list[uuid.UUID] = []
    real = tries.claim_try
    monkeypatch.setattr(deliveries, "claim_try", lambda pk: claimed.append(pk) or real(pk))
    found = [ended(deploy, "https://example.com/", f"/to/{n}") for n in range(6)]
    with hanging(monkeypatch) as (sent, go_on):
        for delivery in found:
            assert settle_execution(delivery.execution_id) == 1
        wait_until(lambda: sent)
        # Sent to the workers again while they wait: each keeps its one place in the line.
        for _ in range(3):
            for delivery in found:
                assert settle_execution(delivery.execution_id) == 0
        assert len(claimed) == len(sent) == 1
        assert Delivery.objects.filter(next_attempt_at__gt=timezone.now()).count() == 1
        go_on.set()
        wait_until(lambda: Delivery.objects.filter(status="delivered").count() == 6)
    assert len(sent) == len(set(sent)) == 6
    assert {(row.attempts, len(row.log)) for row in Delivery.objects.all()} == {(1, 1)}


def test_tries_of_two_processes_are_both_in_the_log(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim expired, so both sent it: each logs its own try."""
    delivery = ended(deploy, "https://example.com/")
    with hanging(monkeypatch) as (sent, go_on):
        threads = [
            threading.Thread(target=asyncio.run, args=(try_delivery(delivery.pk),))
            for _ in range(2)
        ]
        for number, thread in enumerate(threads, 1):
            thread.start()
            wait_until(lambda number=number: len(sent) == number)
            due_again()
        go_on.set()
        for thread in threads:
            thread.join()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, len(delivery.log)) == ("delivered", 2, 2)


def test_waiting_and_being_refused_for_our_reasons_is_no_try(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from designs.outgoing.guarded_http import CallNotTried

    delivery = ended(deploy, "https://example.com/")

    async def send(*_: Any, **__: Any) -> Reply:
        raise CallNotTried("Too many names are being looked up at the moment.")

    with monkeypatch.context() as busy:
        busy.setattr(tries, "send", send)
        assert tried(delivery).attempts == 0
    assert (delivery.status, delivery.log) == ("pending", [])
    assert 10 < (delivery.next_attempt_at - timezone.now()).total_seconds() < 60
    due_again()
    monkeypatch.setattr(turns, "MAX_WAITING_A_DEPLOYMENT", 0)
    assert settle_execution(delivery.execution_id) == 0
    delivery.refresh_from_db()
    assert delivery.attempts == 0
    assert delivery.next_attempt_at > timezone.now()


def test_the_line_has_room_for_everybody() -> None:
    line, greedy = Line(), uuid.uuid4()
    entered = [line.enter(uuid.uuid4(), greedy) for _ in range(500)]
    assert sum(entered) == turns.MAX_WAITING_A_DEPLOYMENT
    waits = uuid.uuid4()
    assert line.enter(waits, "other")
    assert not line.enter(waits, "other")
    line.leave(waits, "other")
    assert waits not in line
    assert line.enter(waits, "other")
    others = [line.enter(uuid.uuid4(), number) for number in range(2_000)]
    assert sum(others) + sum(entered) + 1 == turns.MAX_WAITING


async def places_of(
    takers: list[tuple[str, object]], slow: str | None = None
) -> list[tuple[str, object]]:
    """Those that get a place at once."""
    there: list[tuple[str, object]] = []
    places = Turns()
    if slow:
        note_speed(slow, slow=True)

    async def take(url: str, deployment: object) -> None:
        async with places.take(url, deployment):
            there.append((url, deployment))
            await asyncio.Event().wait()

    tasks = [asyncio.ensure_future(take(*taker)) for taker in takers]
    for _ in range(20):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert places._lanes == {}
    if slow:
        note_speed(slow, slow=False)
    return there


async def test_no_server_and_no_deployment_takes_all_places() -> None:
    same_host = [("https://a.example/", number) for number in range(100)]
    assert len(await places_of(same_host)) == turns.AT_ONCE_A_HOST
    assert len(await places_of(same_host, slow="https://a.example/x")) == 1
    same_deployment = [(f"https://h{number}.example/", 1) for number in range(100)]
    other: list[tuple[str, object]] = [("https://other.example/", 2)]
    found = await places_of([*same_deployment, *other])
    assert len(found) == turns.AT_ONCE_A_DEPLOYMENT + 1
    assert other[0] in found
    many = [(f"https://h{number}.example/", number) for number in range(100)]
    assert len(await places_of(many)) == turns.AT_ONCE


def test_a_server_that_was_too_slow_is_remembered_until_it_answers(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = ended(deploy, "https://slow.example/hook")

    async def send(*_: Any, **__: Any) -> Reply:
        raise CallTooSlow("There was no whole answer within 15 seconds.")

    with monkeypatch.context() as slow:
        slow.setattr(tries, "send", send)
        assert tried(delivery).attempts == 1
    assert turns.is_slow("slow.example")
    due_again()
    with hanging(monkeypatch) as (_, go_on):
        go_on.set()
        assert tried(delivery).status == "delivered"
    assert not turns.is_slow("slow.example")
