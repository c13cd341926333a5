"""One try of a callback: claim it, sign and send it, record the result."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from deployments.callbacks.turns import note_speed
from deployments.callbacks.waits import payload_of_wait
from deployments.models import CallbackSecret, Delivery
from designs.json_text import to_json
from designs.outgoing.addresses import AddressRefused
from designs.outgoing.guarded_http import CallFailed, CallNotTried, Reply, send
from designs.secrets.encryption import SecretUnreadable
from designs.secrets.masking import masked_output
from executor.following.answers import usage_of

logger = logging.getLogger(__name__)

SECONDS = 15.0
# No other process tries meanwhile; if the one that claimed it dies, the retry waits this long.
CLAIM = timedelta(seconds=60)
# Seconds between tries; the one after the last pause is the final one.
PAUSES = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400)
MAX_PAUSE = 86_400
MAX_RETRY_AFTER = 60
# How long a callback waits for which this process has no room. It does not count as a try.
POSTPONED = timedelta(seconds=20)
MAX_LOGGED = 20
# The receiver wants no more tries.
GONE = 410


@dataclass(frozen=True, slots=True)
class Claim:
    """Everything that one try needs; `error` says why it cannot be signed."""

    message_id: str
    url: str
    body: bytes
    secrets: list[str]
    error: str
    ends_at: datetime


@dataclass(slots=True)
class Result:
    reply: Reply | None = None
    error: str = ""
    is_final: bool = False
    milliseconds: int = 0


async def send_try(claim: Claim) -> Result | None:
    """The result; None if nothing was sent for a temporary reason on our side."""
    if claim.error:
        # Not final: the key that the secret was encrypted with may come back.
        return Result(error=claim.error)
    try:
        reply = await send(
            claim.url,
            content=claim.body,
            headers=signed_headers(claim.message_id, claim.body, claim.secrets),
            seconds=SECONDS,
            allow=settings.ENVIRONMENT.egress_allow,
        )
    except AddressRefused as refused:
        return Result(error=str(refused), is_final=True)
    except CallNotTried:
        return None
    except CallFailed as failed:
        note_speed(claim.url, slow=failed.is_slow)
        return Result(error=str(failed))
    note_speed(claim.url, slow=False)
    return Result(reply=reply)


def signed_headers(
    message_id: str, body: bytes, secrets: list[str], *, at: float | None = None
) -> dict[str, str]:
    """The headers of Standard Webhooks, with one signature for each valid secret."""
    timestamp = str(int(time.time() if at is None else at))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = []
    for text in secrets:
        key = base64.b64decode(text.removeprefix("whsec_"))
        digest = hmac.digest(key, content, hashlib.sha256)
        signatures.append("v1," + base64.b64encode(digest).decode())
    return {
        "Content-Type": "application/json",
        "User-Agent": "Orchestra",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }


def due_row(pk: uuid.UUID) -> QuerySet[Delivery]:
    # Only columns of the row itself: a joined table is read as of before another process's claim.
    return Delivery.objects.filter(
        pk=pk, status=Delivery.Status.PENDING, next_attempt_at__lte=Now()
    )


def claim_try(pk: uuid.UUID) -> Claim | None:
    """Claim it and load its body; None if it is not due or another process was faster."""
    is_due = Delivery.objects.due().filter(pk=pk).exists()
    if not is_due or not due_row(pk).update(next_attempt_at=Now() + CLAIM):
        return None
    delivery = Delivery.objects.select_related("execution", "deployment").get(pk=pk)
    secret, _ = CallbackSecret.objects.get_or_create(
        deployment=delivery.deployment, defaults={"secret": CallbackSecret.new_text()}
    )
    secrets, error = [], ""
    try:
        secrets = secret.texts
    except SecretUnreadable as unreadable:
        error = str(unreadable)
    is_wait = delivery.wait_attempt is not None
    payload = payload_of_wait(delivery) if is_wait else _payload_of_end(delivery)
    body = b"" if error else to_json(payload)
    return Claim(delivery.message_id, delivery.url, body, secrets, error, delivery.next_attempt_at)


def _payload_of_end(delivery: Delivery) -> dict[str, Any]:
    """The same at every try, as an ended execution does not change."""
    execution = delivery.execution
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
            "degraded_reasons": execution.degraded_reasons,
            "trigger_type": execution.trigger_type,
            "result": execution.result_data,
            "error": execution.error,
            "usage": usage_of(execution),
            "started_at": execution.started_at,
            "completed_at": execution.completed_at,
            "duration_ms": execution.duration_ms,
            "waited_ms": execution.waited_ms,
        },
    }


def postpone(pk: uuid.UUID, claim: Claim) -> None:
    """Give the claim back without counting a try."""
    still_claimed = Delivery.objects.filter(pk=pk, next_attempt_at=claim.ends_at)
    still_claimed.update(next_attempt_at=Now() + POSTPONED, sent_at=None)


def note_try(pk: uuid.UUID, result: Result) -> bool:
    """Record the try and the time of the next one, in the locked row; True if it was accepted."""
    reply, error, is_final = result.reply, result.error, result.is_final
    accepted = reply is not None and 200 <= reply.status < 300
    if reply is not None and not accepted:
        error = f"The server answered {reply.status}."
        is_final = reply.status == GONE
    now = timezone.now()
    entry = {
        "at": now.isoformat().replace("+00:00", "Z"),
        "status_code": None if reply is None else reply.status,
        "error": masked_output(error) or None,
        "duration_ms": result.milliseconds,
    }
    with transaction.atomic():
        row = Delivery.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return accepted
        attempts = row.attempts + 1
        changes: dict[str, Any] = {"attempts": attempts, "log": [*row.log, entry][-MAX_LOGGED:]}
        if row.status != Delivery.Status.PENDING:
            # Another try was accepted meanwhile, or was the final one.
            pass
        elif accepted:
            changes.update(status=Delivery.Status.DELIVERED, delivered_at=now, sent_at=None)
        elif is_final or attempts > len(PAUSES):
            changes.update(status=Delivery.Status.FAILED, sent_at=None)
        else:
            retry_after = "" if reply is None else reply.headers.get("retry-after", "")
            asked = min(_asked_seconds(retry_after.strip()), MAX_PAUSE)
            pause = PAUSES[attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load
            next_at = Now() + timedelta(seconds=max(pause, asked))
            changes.update(next_attempt_at=next_at, sent_at=None)
        Delivery.objects.filter(pk=pk).update(**changes)
    return accepted


def _asked_seconds(asked: str) -> float:
    """A Retry-After header, which has seconds or a date; 0 if it cannot be read."""
    # Digits of other scripts, and more than Python converts, do not count.
    if not asked.isascii() or len(asked) > MAX_RETRY_AFTER:
        return 0.0
    if asked.isdigit():
        return float(int(asked))
    try:
        until = parsedate_to_datetime(asked)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return (until - timezone.now()).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
