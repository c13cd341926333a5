"""Reading requests: lists for people, and decisions for the run that goes on from them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from designs.access import Caller
from executor.history.quotes import PAYLOAD
from executor.models import DecisionRequest, Verdict
from executor.models.decision import DECIDE, DecisionRequestQuerySet

# Counting further would cost more than the number tells.
MOST = 99


def requests_for(caller: Caller) -> DecisionRequestQuerySet:
    """All that the caller may see: of runs of deployments that they see, and of tries."""
    return DecisionRequest.objects.for_caller(caller)


def count_waiting(caller: Caller) -> int:
    """How many wait for this person's vote, up to `MOST`; one query."""
    return len(DecisionRequest.objects.waiting_for(caller).order_by()[:MOST].values_list("pk"))


def requests_of(execution: uuid.UUID, caller: Caller) -> list[DecisionRequest]:
    """The requests of one run, the oldest first; two queries."""
    return list(requests_for(caller).filter(execution=execution).for_list().order_by("id"))


def may_see_shown(caller: Caller, request: DecisionRequest, groups: Collection[str]) -> bool:
    """Whether the caller sees what is asked about: arguments, what is shown, forms filled in.

    `groups` are those that the caller belongs to.
    """
    if request.group in groups or caller.may(PAYLOAD):
        return True
    return not request.group and caller.may(DECIDE)


def decision_of(request: DecisionRequest) -> dict[str, Any]:
    """Of a closed request: `{decision, by, votes, answers, reason, result}`, without what there is
    not. `answers` are those of the last approving vote, `reason` is that of the vote that decided.
    """
    votes = list(request.votes.all())
    decision = {**(request.answer or {}), "votes": [_vote_said(vote) for vote in votes]}
    if votes:
        decision["reason"] = votes[-1].reason
    approving = [vote for vote in votes if vote.verdict == Verdict.APPROVE]
    if approving and approving[-1].answers is not None:
        decision["answers"] = approving[-1].answers
    return decision


def _vote_said(vote: Any) -> dict[str, Any]:
    at = vote.at.isoformat().replace("+00:00", "Z")
    return {"user": vote.username, "verdict": vote.verdict, "reason": vote.reason, "at": at}
