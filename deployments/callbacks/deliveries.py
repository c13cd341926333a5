"""Callbacks: tells a server that a run has ended, signed, tried again until it is heard."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from datetime import timedelta
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from deployments.callbacks.tries import PAUSES as PAUSES
from deployments.callbacks.tries import (
    POSTPONED,
    claim_try,
    due_row,
    note_try,
    postpone,
    send_try,
    where,
)
from deployments.callbacks.tries import signed_headers as signed_headers
from deployments.callbacks.turns import Line, turns
from deployments.errors import CallbackRefused, DeliveryPending
from deployments.models import CallbackSecret, Delivery, Deployment, check_callback_url
from designs.acting import recorded_as
from designs.auditing.audit import Action, note
from designs.runtime.threads import in_thread
from executor.following.sending import send_settling
from executor.models import TERMINAL, Execution
from executor.running.worker import process_loop

logger = logging.getLogger(__name__)

MAX_AT_ONCE = 500

_line = Line()


def check_callback(url: str) -> None:
    """Raises CallbackRefused with a sentence."""
    try:
        check_callback_url(url)
    except ValidationError as error:
        raise CallbackRefused(error.messages[0]) from error


def new_delivery(*, execution: Execution, url: str) -> Delivery:
    """The row to insert together with a deployment's execution. Nothing is written."""
    # By the database's clock, like all that it is compared with.
    due = cast(Any, Now())
    deployment_id = cast(Any, execution.deployment_id)
    return Delivery(execution=execution, deployment_id=deployment_id, url=url, next_attempt_at=due)


def change_secret(*, deployment: Deployment, overlap_seconds: float = 0) -> str:
    """A new secret, which cannot be read again; for a while callbacks carry both signatures."""
    text = CallbackSecret.new_text()
    with transaction.atomic():
        row, made = CallbackSecret.objects.select_for_update().get_or_create(
            deployment=deployment, defaults={"secret": text}
        )
        if not made:
            row.previous, row.secret = row.secret, text
            row.previous_until = timezone.now() + timedelta(seconds=overlap_seconds)
            with recorded_as(Action.ROTATE):
                row.save()
    return text


def settle_execution(pk: uuid.UUID) -> int:
    """Begin the callbacks of an execution that has ended; returns how many.

    Those that find no room in this process are looked at again a little later.
    """
    due = Delivery.objects.due().filter(execution_id=pk)
    begun = 0
    for delivery_id, deployment_id, url in due.values_list("pk", "deployment_id", "url"):
        if delivery_id in _line:
            continue
        if _line.enter(delivery_id, deployment_id):
            begun += 1
            asyncio.run_coroutine_threadsafe(
                _deliver_safely(delivery_id, deployment_id, url), process_loop()
            )
        else:
            due_row(delivery_id).update(next_attempt_at=Now() + POSTPONED)
    return begun


def sweep_deliveries() -> int:
    """Send those that are due to the workers: first tries whose message was lost, and later ones.

    Safe to run in many processes at once. Returns how many were sent.
    """
    due = Delivery.objects.due().unsent().order_by("next_attempt_at")
    found = list(due.values_list("pk", "execution_id")[:MAX_AT_ONCE])
    Delivery.objects.filter(pk__in=[pk for pk, _ in found]).update(sent_at=Now())
    for _, execution_id in found:
        send_settling(execution_id)
    return len(found)


def redeliver(*, delivery: Delivery) -> None:
    """Try again now, whatever became of it; the count of tries begins anew.

    Raises DeliveryPending while the run goes on.
    """
    if delivery.execution.status not in TERMINAL:
        raise DeliveryPending("The run has not ended yet; its callback is sent when it does.")
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(
            status=Delivery.Status.PENDING,
            attempts=0,
            next_attempt_at=Now(),
            sent_at=Now(),
            delivered_at=None,
        )
        note(Action.REDELIVER, delivery, url=delivery.url)
        transaction.on_commit(lambda: send_settling(delivery.execution_id), robust=True)


async def deliver(pk: uuid.UUID) -> bool:
    """One try, unless another process is at it; True if it was heard.

    Takes its turn first: a claim ends after a while, and what waits holds no body.
    """
    facts = await in_thread(where, pk)
    if facts is None:
        return False
    deployment_id, url = facts
    async with turns().take(url, deployment_id):
        return await _try(pk)


async def _try(pk: uuid.UUID) -> bool:
    claim = await in_thread(claim_try, pk)
    if claim is None:
        return False
    began = time.monotonic()
    result = await send_try(claim)
    if result is None:
        await in_thread(postpone, pk, claim)
        return False
    result.milliseconds = round((time.monotonic() - began) * 1000)
    return await in_thread(note_try, pk, result)


async def _deliver_safely(pk: uuid.UUID, deployment_id: object, url: str) -> None:
    try:
        async with turns().take(url, deployment_id):
            await _try(pk)
    except Exception:
        logger.exception("Callback %s failed inside Orchestra; it is tried again.", pk)
    finally:
        _line.leave(pk, deployment_id)
