"""Who may decide a request, and in words why somebody may not."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import Group

from designs.access import Caller
from designs.errors import RightMissing
from executor.errors import AlreadyVoted, NotInGroup, OwnRun, RequestClosed, VoteRefused
from executor.models import DecisionRequest, RequestStatus
from executor.models.decision import DECIDE
from executor.models.status import TERMINAL

NO_RIGHT = "Your groups do not include the right to decide requests."
_CLOSED = {
    RequestStatus.APPROVED: "approved",
    RequestStatus.REJECTED: "rejected",
    RequestStatus.TIMED_OUT: "over: nobody decided in time",
    RequestStatus.WITHDRAWN: "withdrawn, because its run has ended",
}
_DECIDED = {"done": "it was done", "again": "call again", "fail": "fail"}


def groups_of(caller: Caller) -> frozenset[str]:
    """The names of the groups that the person belongs to at this moment; one query."""
    names = Group.objects.filter(user=caller.user_id).values_list("name", flat=True)
    return frozenset(names) if caller.user_id is not None else frozenset()


def may_decide(
    caller: Caller, request: DecisionRequest, *, groups: Collection[str] | None = None
) -> bool:
    return refusal_of(caller, request, groups=groups) is None


def refusal_of(
    caller: Caller, request: DecisionRequest, *, groups: Collection[str] | None = None
) -> RightMissing | VoteRefused | None:
    """Why the caller, who sees the request, cannot vote on it now; None if they can.

    `groups` are those of the caller, if they are read already. Reads the request's votes and run.
    """
    if not caller.may(DECIDE):
        is_scope = not caller.within_scope(DECIDE)
        return RightMissing("This key needs the scope `approve`." if is_scope else NO_RIGHT)
    if caller.user_id is None or not _belongs(caller, request, groups):
        return NotInGroup(f"Members of the group {request.group} decide this.")
    run = request.execution
    if not request.allows_self and run is not None and run.user_id == caller.user_id:
        return OwnRun("You started this run, so somebody else decides.")
    if not request.is_open or (run is not None and run.status in TERMINAL):
        return RequestClosed(closed_words(request))
    if any(vote.user_id == caller.user_id for vote in request.votes.all()):
        return AlreadyVoted("You have voted on this. A vote is not changed.")
    return None


def closed_words(request: DecisionRequest) -> str:
    """`This was approved by ana.`, and the like."""
    if request.is_open:
        return "The run has ended, so nothing is left to decide."
    by = f" by {request.closed_by}" if request.closed_by else ""
    if request.decision in _DECIDED and by:
        return f"This was decided{by}: {_DECIDED[request.decision]}."
    return f"This is {_CLOSED[RequestStatus(request.status)]}{by}."


def _belongs(caller: Caller, request: DecisionRequest, groups: Collection[str] | None) -> bool:
    """Without a group whoever has the right decides."""
    if not request.group:
        return True
    return request.group in (groups_of(caller) if groups is None else groups)
