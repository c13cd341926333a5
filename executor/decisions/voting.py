"""A person's vote: checked, counted and, if it decides, closing the request, in one transaction."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from designs.access import Caller
from designs.acting import acting_address
from designs.auditing.audit import Action, note
from designs.rows.locking import lock_row
from designs.runtime import faults
from executor.decisions.answers import Ballot, stored_answers
from executor.decisions.rights import refusal_of
from executor.decisions.waking import tell_followers, wake_run
from executor.models import DecisionRequest, RequestKind, RequestStatus, Verdict, Vote

# One of these is enough.
_CLOSES_AT_ONCE: dict[str, tuple[RequestStatus, str]] = {
    Verdict.REJECT: (RequestStatus.REJECTED, "rejected"),
    Verdict.DONE: (RequestStatus.APPROVED, "done"),
    Verdict.AGAIN: (RequestStatus.APPROVED, "again"),
    Verdict.FAIL: (RequestStatus.REJECTED, "fail"),
}


def vote(*, request: DecisionRequest, caller: Caller, ballot: Ballot) -> DecisionRequest:
    """The request as it is after the vote, which the caller sees. A vote that decides wakes the
    run.

    Raises RightMissing, NotInGroup, OwnRun, RequestClosed, AlreadyVoted, VoteInvalid, RowGone.
    """
    with transaction.atomic():
        # Two last votes at once would each count one, and the request stay open for ever.
        row = lock_row(DecisionRequest.objects.for_list(), request.pk)
        # Membership is read anew: it counts at this moment.
        refusal = refusal_of(caller, row)
        if refusal is not None:
            raise refusal
        kept = stored_answers(row, ballot)
        _add_vote(row, caller, ballot, kept)
        _note(row, caller, ballot)
        closes = _count(row, caller, ballot)
        if row.execution_id is not None:
            follow = wake_run if closes else tell_followers
            # A lost wake-up costs a few seconds: owner and sweep look for decided requests too.
            transaction.on_commit(partial(follow, row.execution_id), robust=True)
        faults.reach("vote.before")
    faults.reach("vote.after")
    return DecisionRequest.objects.for_list().get(pk=row.pk)


def _add_vote(
    row: DecisionRequest, caller: Caller, ballot: Ballot, kept: dict[str, Any] | None
) -> None:
    Vote.objects.create(
        request=row,
        user_id=caller.user_id,
        username=caller.name,
        verdict=ballot.verdict,
        reason=ballot.reason.strip(),
        answers=kept,
        address=acting_address(),
    )


def _note(row: DecisionRequest, caller: Caller, ballot: Ballot) -> None:
    if row.execution is not None:
        row.audit_deployment_id = row.execution.deployment_id  # type: ignore[attr-defined]
    details = {"verdict": str(ballot.verdict), "kind": row.kind}
    if row.execution is not None:
        details["execution"] = row.execution.public_id
    if row.kind != RequestKind.APPROVAL:
        details["tool"] = row.tool
    note(Action.VOTE, row, caller=caller, **details)


def _count(row: DecisionRequest, caller: Caller, ballot: Ballot) -> bool:
    """Close the request if the votes decide it; True if they do."""
    outcome = _CLOSES_AT_ONCE.get(ballot.verdict)
    if outcome is None:
        approvals = Vote.objects.filter(request=row, verdict=Verdict.APPROVE).count()
        if approvals < row.required:
            return False
        outcome = (RequestStatus.APPROVED, "approved")
    status, decision = outcome
    answer: dict[str, Any] = {"decision": decision, "by": caller.name}
    if ballot.verdict == Verdict.DONE:
        answer["result"] = ballot.result
    closed = {"status": status, "answer": answer, "decided_at": Now()}
    DecisionRequest.objects.filter(pk=row.pk).update(**closed)
    return True
