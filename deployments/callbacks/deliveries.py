"""Callbacks: when each is sent, retried and given up, and the secrets they are signed with."""

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

from deployments.callbacks.tries import (
    POSTPONED,
    claim_try,
    due_row,
    note_try,
    postpone,
    send_try,
)
from deployments.callbacks.turns import Line, turns
from deployments.callbacks.waits import tell_waiting, untold
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
    """An unsaved row, to be inserted together with the execution."""
    # By the database's clock, which it is compared with.
    due = cast(Any, Now())
    deployment_id = cast(Any, execution.deployment_id)
    return Delivery(execution=execution, deployment_id=deployment_id, url=url, next_attempt_at=due)


def change_secret(*, deployment: Deployment, overlap_seconds: float = 0) -> str:
    """A new secret, shown only now; callbacks carry both signatures for `overlap_seconds`."""
    text = CallbackSecret.new_text()
    with transaction.atomic():
        row, created = CallbackSecret.objects.select_for_update().get_or_create(
            deployment=deployment, defaults={"secret": text}
        )
        if not created:
            row.previous, row.secret = row.secret, text
            row.previous_until = timezone.now() + timedelta(seconds=overlap_seconds)
            with recorded_as(Action.ROTATE):
                row.save()
    return text


def settle_execution(pk: uuid.UUID) -> int:
    """Queue the callbacks of an execution that has ended, or waits; returns how many.

    If this process has no room, a sweep sends them to a worker again a little later.
    """
    tell_waiting(pk)
    due = Delivery.objects.due().filter(execution_id=pk)
    queued = 0
    for delivery_id, deployment_id, url in due.values_list("pk", "deployment_id", "url"):
        if delivery_id in _line:
            continue
        if _line.enter(delivery_id, deployment_id):
            queued += 1
            asyncio.run_coroutine_threadsafe(
                _deliver_in_turn(delivery_id, deployment_id, url), process_loop()
            )
        else:
            due_row(delivery_id).update(next_attempt_at=Now() + POSTPONED)
    return queued


def sweep_deliveries() -> int:
    """Send due callbacks to the workers: retries, and first tries whose message was lost.

    Safe to run in many processes at once. Returns how many were sent.
    """
    for pk in list(untold().values_list("pk", flat=True)[:MAX_AT_ONCE]):
        tell_waiting(pk)
    due = Delivery.objects.due().unsent().order_by("next_attempt_at")
    batch = list(due.values_list("pk", "execution_id")[:MAX_AT_ONCE])
    Delivery.objects.filter(pk__in=[pk for pk, _ in batch]).update(sent_at=Now())
    for _, execution_id in batch:
        send_settling(execution_id)
    return len(batch)


def redeliver(*, delivery: Delivery) -> None:
    """Try again now, whatever its status, with the count of tries reset.

    Raises DeliveryPending while the run is live.
    """
    if delivery.wait_attempt is None and delivery.execution.status not in TERMINAL:
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


async def try_delivery(pk: uuid.UUID) -> bool:
    """One try, unless another process has claimed it; True if the receiver accepted it."""
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


async def _deliver_in_turn(pk: uuid.UUID, deployment_id: object, url: str) -> None:
    try:
        # The turn comes before the claim, which expires; and what waits holds no body.
        async with turns().take(url, deployment_id):
            await try_delivery(pk)
    except Exception:
        logger.exception("Callback %s failed inside Orchestra and is retried.", pk)
    finally:
        _line.leave(pk, deployment_id)
