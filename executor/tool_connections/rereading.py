"""When the lists of MCP servers are read again: while in use as servers ask, and every hour."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from designs.runtime.background import once
from executor.errors import ToolsNotRead
from executor.models import ToolConnection, ToolKind
from executor.tool_connections.listings import read_connection

logger = logging.getLogger(__name__)

# However often a server asks for it.
APART = timedelta(minutes=5)
HOURLY = timedelta(hours=1)
# How often a process looks whether an hour is over.
LOOK_SECONDS = 60.0
_looked_at = float("-inf")
# When this process last began to read, by connection: many calls come before rows say so.
_begun: dict[int, float] = {}


def begin(connection_id: int) -> None:
    """In a thread, unless another process or a call before has begun it. Called by event loops."""
    if time.monotonic() < _begun.get(connection_id, float("-inf")) + LOOK_SECONDS:
        return
    _begun[connection_id] = time.monotonic()

    def read() -> None:
        try:
            _read_if_due(connection_id)
        finally:
            connections.close_all()

    once("read-tools", read)


def read_hourly() -> None:
    """Read one list that is older than an hour. Blocks; for a thread that repeats it."""
    global _looked_at  # noqa: PLW0603 - a clock of this process
    if time.monotonic() < _looked_at + LOOK_SECONDS:
        return
    _looked_at = time.monotonic()
    due = ToolConnection.objects.filter(
        kind=ToolKind.MCP, is_enabled=True, read_at__lte=timezone.now() - HOURLY
    )
    for pk in due.order_by("read_at").values_list("pk", flat=True)[:1]:
        _read_if_due(pk, is_hourly=True)


def _read_if_due(pk: int, *, is_hourly: bool = False) -> None:
    now = timezone.now()
    free = Q(read_again_at__lte=now) | (Q(read_again_at=None) if is_hourly else Q(pk__in=()))
    with transaction.atomic():
        # One process wins; if it fails, or is killed, another one tries in five minutes.
        claimed = ToolConnection.objects.filter(free, pk=pk).update(read_again_at=now + APART)
    if not claimed:
        return
    connection = ToolConnection.objects.filter(pk=pk).first()
    if connection is None:
        return
    try:
        read_connection(connection)
    except ToolsNotRead as error:
        logger.warning("The tools of %s could not be read again: %s", connection, error)
