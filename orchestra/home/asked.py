"""The requests to people that have waited longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from designs.access import Caller
from executor.decisions import requests_for
from executor.models import DecisionRequest
from executor.models.decision import DECIDE

SHOWN = 5


@dataclass(frozen=True)
class Asked:
    """`are_mine`: they wait for this person's vote, and not just for anybody's."""

    requests: Sequence[DecisionRequest]
    are_mine: bool
    is_more: bool


def asked(caller: Caller) -> Asked:
    """Of a person who may decide what waits for them, else all that is seen; one query."""
    are_mine = caller.may(DECIDE)
    rows = DecisionRequest.objects.waiting_for(caller) if are_mine else requests_for(caller).open()
    rows = rows.select_related("execution__deployment", "execution__design").only(
        "question", "group", "created_at", "due_at", "execution__deployment__endpoint_path",
        "execution__design__name",
    )  # fmt: skip
    found = list(rows.order_by("id")[: SHOWN + 1])
    return Asked(found[:SHOWN], are_mine, len(found) > SHOWN)
