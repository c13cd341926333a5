"""Searches the error texts of the latest runs that ended badly."""

from __future__ import annotations

import uuid

from designs.access import Caller
from executor.history.quotes import PAYLOAD, PLAIN
from executor.models import Execution, Status

# The errors of each state that a search reads, and the runs that it finds at the most.
MAX_READ = 10_000
MAX_FOUND = 300
BAD = (Status.FAILED, Status.TIMED_OUT, Status.CANCELLED)


def runs_with_error(text: str, caller: Caller) -> list[uuid.UUID]:
    """The latest runs whose error contains the text, among the latest errors of each state.

    Without the right to see payloads only in sentences that quote none, so that a search does not
    tell what a list hides.
    """
    found: list[uuid.UUID] = []
    for status in BAD:
        latest = Execution.objects.filter(status=status).order_by("-id")[:MAX_READ]
        rows = Execution.objects.for_caller(caller).filter(
            pk__in=latest.values("pk"), error__message__icontains=text
        )
        if not caller.may(PAYLOAD):
            rows = rows.filter(error__class__in=PLAIN)
        found += rows.order_by("-id").values_list("pk", flat=True)[:MAX_FOUND]
    return found
