"""One try of a callback: claimed, signed, sent, and how it went."""

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
from deployments.models import CallbackSecret, Delivery
from designs.api.renderers import to_json
from designs.outgoing.addresses import AddressRefused
from designs.outgoing.guarded_http import CallFailed, CallNotTried, Reply, send
from designs.secrets.encryption import SecretUnreadable
from designs.secrets.masking import masked_said
from executor.following.answers import usage_of
from executor.models import Execution

logger = logging.getLogger(__name__)

SECONDS = 15.0
# While a try goes on nobody else begins one; a process that is lost in it costs this long.
CLAIM = timedelta(seconds=60)
# Seconds from one try to the next; after the last there is no other.
PAUSES = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400)
MAX_PAUSE = 86_400
MAX_RETRY_AFTER = 60
# Before what found no place here is looked at again; that is no try.
POSTPONED = timedelta(seconds=20)
MAX_LOGGED = 20
# "Gone" says for good that nobody wants to hear it.
GONE = 410


@dataclass(frozen=True, slots=True)
class Claim:
    """What one try needs; `error` if it cannot be signed."""

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
    """How it went; None if nothing was sent for a reason of ours that passes."""
    if claim.error:
        # The key that the secret was encrypted under may be put back.
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


def where(pk: uuid.UUID) -> tuple[Any, str] | None:
    return Delivery.objects.due().filter(pk=pk).values_list("deployment_id", "url").first()


def due_row(pk: uuid.UUID) -> QuerySet[Delivery]:
    # By the row's own columns alone: a joined table would be read as it was before a rival's claim.
    return Delivery.objects.filter(
        pk=pk, status=Delivery.Status.PENDING, next_attempt_at__lte=Now()
    )


def claim_try(pk: uuid.UUID) -> Claim | None:
    if where(pk) is None or not due_row(pk).update(next_attempt_at=Now() + CLAIM):
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
    body = b"" if error else to_json(_content(delivery))
    return Claim(delivery.message_id, delivery.url, body, secrets, error, delivery.next_attempt_at)


def postpone(pk: uuid.UUID, claim: Claim) -> None:
    """Give the claim back; that was no try."""
    mine = Delivery.objects.filter(pk=pk, next_attempt_at=claim.ends_at)
    mine.update(next_attempt_at=Now() + POSTPONED, sent_at=None)


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
            "degraded_reasons": execution.degraded_reasons,
            "trigger_type": execution.trigger_type,
            "result": execution.result_data,
            "error": execution.error,
            "usage": usage_of(execution),
            "started_at": execution.started_at,
            "completed_at": execution.completed_at,
            "duration_ms": execution.duration_ms,
        },
    }


def note_try(pk: uuid.UUID, result: Result) -> bool:
    """Write how the try went, and when the next one is. Nothing that others noted is lost."""
    reply, error, is_final = result.reply, result.error, result.is_final
    heard = reply is not None and 200 <= reply.status < 300
    if reply is not None and not heard:
        error = f"The server answered {reply.status}."
        is_final = reply.status == GONE
    now = timezone.now()
    entry = {
        "at": now.isoformat().replace("+00:00", "Z"),
        "status_code": None if reply is None else reply.status,
        "error": masked_said(error) or None,
        "duration_ms": result.milliseconds,
    }
    with transaction.atomic():
        row = Delivery.objects.select_for_update().filter(pk=pk).first()
        if row is None:
            return heard
        attempts = row.attempts + 1
        changes: dict[str, Any] = {"attempts": attempts, "log": [*row.log, entry][-MAX_LOGGED:]}
        if row.status != Delivery.Status.PENDING:
            # Another try was heard meanwhile, or was the last one.
            pass
        elif heard:
            changes.update(status=Delivery.Status.DELIVERED, delivered_at=now, sent_at=None)
        elif is_final or attempts > len(PAUSES):
            changes.update(status=Delivery.Status.FAILED, sent_at=None)
        else:
            pause = timedelta(seconds=_pause(attempts, reply))
            changes.update(next_attempt_at=Now() + pause, sent_at=None)
        Delivery.objects.filter(pk=pk).update(**changes)
    return heard


def _pause(attempts: int, reply: Reply | None) -> float:
    pause = PAUSES[attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - spreads the load
    asked = "" if reply is None else reply.headers.get("retry-after", "")
    return max(pause, min(_asked_seconds(asked.strip()), MAX_PAUSE))


def _asked_seconds(asked: str) -> float:
    """What a Retry-After says, in seconds or as a date; 0 for what says neither."""
    # Not the digits of other scripts, nor more of them than Python reads.
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
