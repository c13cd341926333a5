"""Mail to the members of a group about what waits for them, if mail is set up.

A mail has a link that needs sign-in; it decides nothing. Nothing here may fail or hold a run: mails
are sent by a task, and what could not be sent is tried again while the request is open.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db.models.functions import Now
from django.urls import reverse

from designs.access import caller_of
from executor.decisions.rights import may_decide
from executor.following.sending import send_telling
from executor.models import DecisionRequest
from executor.models.decision import DecisionRequestQuerySet

logger = logging.getLogger(__name__)

# Of one task: a request after the other.
MAX_REQUESTS = 50
MAX_MEMBERS = 200
MAX_SUBJECT = 120
MAX_QUESTION = 1_000
# What could not be sent is looked for this often.
PERIOD_SECONDS = 60.0
_next_look = 0.0


def look_for_untold() -> None:
    """Part of the sweep: have mails sent that were not. Without mail it asks nothing."""
    global _next_look  # noqa: PLW0603 - one a process
    if settings.ENVIRONMENT.mail_url and time.monotonic() >= _next_look:
        _next_look = time.monotonic() + PERIOD_SECONDS
        if _untold().exists():
            send_telling()


def tell_members() -> int:
    """Send the mails of open requests that nobody was told of; returns how many mails. Never raises
    because of a mail server.
    """
    if not settings.ENVIRONMENT.mail_url:
        return 0
    sent = 0
    for request in _untold().for_list().order_by("id")[:MAX_REQUESTS]:
        # Of several workers one sends.
        mine = DecisionRequest.objects.filter(pk=request.pk, told_at=None)
        if not mine.update(told_at=Now()):
            continue
        told = _send(request)
        sent += told.sent
        if told.is_server_away:
            if not told.sent:
                DecisionRequest.objects.filter(pk=request.pk).update(told_at=None)
            break
    return sent


def _untold() -> DecisionRequestQuerySet:
    return DecisionRequest.objects.open().filter(told_at=None).exclude(group="")


@dataclass
class _Told:
    sent: int = 0
    is_server_away: bool = False


def _send(request: DecisionRequest) -> _Told:
    """A mail that is refused keeps the others from nobody."""
    told = _Told()
    mails = [_mail(request, address) for address in _addresses(request)]
    connection = get_connection()
    try:
        for mail in mails:
            try:
                told.sent += connection.send_messages([mail]) or 0
            except (SMTPRecipientsRefused, ValueError) as error:
                logger.warning("A member was not told of a request by mail: %s", type(error))
    except OSError as error:
        # Of the connection, or what the server said: SMTP's errors are among these.
        logger.warning("Mail about a request could not be sent: %s", error)
        told.is_server_away = True
    return told


def _addresses(request: DecisionRequest) -> Iterator[str]:
    """Of the members who may decide it now; each gets a mail of their own."""
    members = User.objects.filter(groups__name=request.group, is_active=True).exclude(email="")
    for user in members.order_by("pk")[:MAX_MEMBERS]:
        caller = caller_of(user)
        sees = DecisionRequest.objects.for_caller(caller).filter(pk=request.pk).exists()
        if sees and may_decide(caller, request, groups={request.group}):
            yield user.email


def _mail(request: DecisionRequest, address: str) -> EmailMessage:
    run = request.execution
    # A line break would end the header.
    question = " ".join(request.question.split())
    where = run.deployment.endpoint_path if run and run.deployment else "a try of a design"
    link = settings.ENVIRONMENT.public_url + reverse("executor:request-detail", args=[request.pk])
    due = f"Due {request.due_at:%Y-%m-%d %H:%M} UTC.\n" if request.due_at else ""
    body = (
        f"A run of {where} waits for a decision of {request.group}:\n\n"
        f"{question[:MAX_QUESTION]}\n\n{due}"
        f"Sign in to see it and to decide: {link}\n"
    )
    subject = f"Decision needed: {question}"
    return EmailMessage(subject[:MAX_SUBJECT], body, settings.DEFAULT_FROM_EMAIL, [address])
