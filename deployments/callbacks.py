"""Callbacks: tells a server that a run has ended, signed, tried again until it is heard."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import logging
import random
import time
import uuid
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from deployments.errors import CallbackRefused, DeliveryPending
from deployments.models import CallbackSecret, Delivery, Deployment, check_callback_url
from designs.acting import recorded_as
from designs.addresses import AddressRefused
from designs.api.renderers import to_json
from designs.audit import Action, note
from designs.encryption import SecretUnreadable
from designs.guarded_http import CallFailed, Reply, send
from designs.masking import masked_said
from executor.answers import usage_of
from executor.models import Execution
from executor.sending import send_settling
from executor.states import TERMINAL
from executor.threads import in_thread
from executor.worker import process_loop

logger = logging.getLogger(__name__)

SECONDS = 15.0
# While a try goes on nobody else begins one; a process that is lost in it costs this long.
CLAIM = timedelta(seconds=60)
# Seconds from one try to the next; after the last there is no other.
PAUSES = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400)
LONGEST_PAUSE = 86_400
MOST_LOGGED = 20
MOST_AT_ONCE = 500
AT_ONCE_A_PROCESS = 32
# "Gone" says for good that nobody wants to hear it.
GONE = 410


def check_callback(url: str) -> None:
    """Raises CallbackRefused with a sentence."""
    try:
        check_callback_url(url)
    except ValidationError as error:
        raise CallbackRefused(error.messages[0]) from error


def new_delivery(*, execution: Execution, url: str) -> Delivery:
    """The row to insert together with a deployment's execution. Nothing is written."""
    return Delivery(execution=execution, deployment_id=cast(Any, execution.deployment_id), url=url)


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
    """Begin the callbacks of an execution that has ended; returns how many."""
    due = Delivery.objects.due().filter(execution_id=pk)
    found = list(due.values_list("pk", flat=True))
    for delivery_id in found:
        asyncio.run_coroutine_threadsafe(_deliver_safely(delivery_id), process_loop())
    return len(found)


def sweep_deliveries() -> int:
    """Send those that are due to the workers: first tries whose message was lost, and later ones.

    Safe to run in many processes at once. Returns how many were sent.
    """
    due = Delivery.objects.due().unsent().order_by("next_attempt_at")
    found = list(due.values_list("pk", "execution_id")[:MOST_AT_ONCE])
    Delivery.objects.filter(pk__in=[pk for pk, _ in found]).update(sent_at=timezone.now())
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
            sent_at=timezone.now(),
            delivered_at=None,
        )
        note(Action.REDELIVER, delivery, url=delivery.url)
        transaction.on_commit(lambda: send_settling(delivery.execution_id), robust=True)


async def deliver(pk: uuid.UUID) -> bool:
    """One try, unless another process is at it; True if it was heard."""
    claimed = await in_thread(_claim, pk)
    if claimed is None:
        return False
    delivery, body, secret = claimed
    began = time.monotonic()
    reply: Reply | None = None
    error, final = "", False
    try:
        async with _turn():
            reply = await send(
                delivery.url,
                content=body,
                headers=signed_headers(delivery.message_id, body, secret.texts),
                seconds=SECONDS,
                allow=settings.ENVIRONMENT.egress_allow,
            )
    except AddressRefused as refused:
        error, final = str(refused), True
    except CallFailed as failed:
        error = str(failed)
    except SecretUnreadable as unreadable:
        # The key that it was encrypted under may be put back.
        error = str(unreadable)
    took = round((time.monotonic() - began) * 1000)
    return await in_thread(_note, delivery, reply, error, took, final=final)


def signed_headers(
    message_id: str, body: bytes, secrets: list[str], *, at: float | None = None
) -> dict[str, str]:
    """The headers of standard-webhooks; one signature for each secret that is good now."""
    timestamp = str(int(time.time() if at is None else at))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [
        "v1," + base64.b64encode(hmac.digest(_key(text), content, hashlib.sha256)).decode()
        for text in secrets
    ]
    return {
        "Content-Type": "application/json",
        "User-Agent": "Orchestra",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def _key(text: str) -> bytes:
    return base64.b64decode(text.removeprefix("whsec_"))


# --- One try --------------------------------------------------------------------------------------


async def _deliver_safely(pk: uuid.UUID) -> None:
    try:
        await deliver(pk)
    except Exception:
        logger.exception("Callback %s failed inside Orchestra; it is tried again.", pk)


def _claim(pk: uuid.UUID) -> tuple[Delivery, bytes, CallbackSecret] | None:
    if not Delivery.objects.due().filter(pk=pk).exists():
        return None
    # By the row's own columns alone: a joined table would be read as it was before a rival's claim.
    mine = Delivery.objects.filter(
        pk=pk, status=Delivery.Status.PENDING, next_attempt_at__lte=Now()
    )
    if not mine.update(next_attempt_at=Now() + CLAIM, attempts=F("attempts") + 1):
        return None
    delivery = Delivery.objects.select_related("execution", "deployment").get(pk=pk)
    secret, _ = CallbackSecret.objects.get_or_create(
        deployment=delivery.deployment, defaults={"secret": CallbackSecret.new_text()}
    )
    return delivery, to_json(_content(delivery)), secret


def _content(delivery: Delivery) -> dict[str, Any]:
    """The same at every try: a row that has ended does not change."""
    execution: Execution = delivery.execution
    return {
        "type": f"execution.{execution.status}",
        "timestamp": execution.completed_at,
        "data": {
            "execution_id": execution.public_id,
            "log_id": execution.pk,
            "deployment_id": delivery.deployment_id,
            "endpoint_path": delivery.deployment.endpoint_path,
            "status": execution.status,
            "degraded": execution.degraded,
            "trigger_type": execution.trigger_type,
            "result": execution.result_data,
            "error": execution.error,
            "usage": usage_of(execution),
            "started_at": execution.started_at,
            "completed_at": execution.completed_at,
            "duration_ms": execution.duration_ms,
        },
    }


def _note(
    delivery: Delivery, reply: Reply | None, error: str, took: int, *, final: bool = False
) -> bool:
    """Write how the try went, and when the next one is."""
    heard = reply is not None and 200 <= reply.status < 300
    if reply is not None and not heard:
        error = f"The server answered {reply.status}."
        final = reply.status == GONE
    now = timezone.now()
    entry = {
        "at": now.isoformat().replace("+00:00", "Z"),
        "status_code": None if reply is None else reply.status,
        "error": masked_said(error) or None,
        "duration_ms": took,
    }
    changes: dict[str, Any] = {"log": [*delivery.log, entry][-MOST_LOGGED:], "sent_at": None}
    if heard:
        changes.update(status=Delivery.Status.DELIVERED, delivered_at=now)
    elif final or delivery.attempts > len(PAUSES):
        changes["status"] = Delivery.Status.FAILED
    else:
        changes["next_attempt_at"] = Now() + timedelta(seconds=_pause(delivery.attempts, reply))
    Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.PENDING).update(**changes)
    return heard


def _pause(attempts: int, reply: Reply | None) -> float:
    pause = PAUSES[attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - spreads the load
    asked = "" if reply is None else reply.headers.get("retry-after", "")
    # Not the digits of other scripts, nor more of them than Python reads.
    if asked.isascii() and asked.isdigit() and len(asked) < 10:
        pause = max(pause, min(int(asked), LONGEST_PAUSE))
    return pause


_turns: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def _turn() -> asyncio.Semaphore:
    """So that servers that hang do not take every connection of this process."""
    loop = asyncio.get_running_loop()
    for old in [old for old in _turns if old.is_closed()]:
        del _turns[old]
    return _turns.setdefault(loop, asyncio.Semaphore(AT_ONCE_A_PROCESS))
