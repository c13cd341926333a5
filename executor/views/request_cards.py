"""What a page shows of one request to people: the question, what is shown, the votes, the form."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from designs.access import Caller
from designs.input_forms import InputForm
from executor.decisions import closed_words, may_see_shown, refusal_of
from executor.errors import AlreadyVoted, RequestClosed
from executor.history.run_page import Shown, shown
from executor.models import DecisionRequest, RequestKind, RequestStatus, Verdict

# The sign of a closed request, and the word beside it.
SIGNS = {
    RequestStatus.OPEN: ("waiting", "Waiting"),
    RequestStatus.APPROVED: ("completed", "Approved"),
    RequestStatus.REJECTED: ("failed", "Rejected"),
    RequestStatus.TIMED_OUT: ("timed_out", "Nobody decided"),
    RequestStatus.WITHDRAWN: ("cancelled", "Withdrawn"),
}
# What a person did, after the name.
VERBS = {
    Verdict.APPROVE: "approved",
    Verdict.REJECT: "rejected",
    Verdict.DONE: "said that it was done",
    Verdict.AGAIN: "wants it called again",
    Verdict.FAIL: "wants it to fail",
}
_OUTCOMES = {"done": "It was done", "again": "Call again", "fail": "Failed"}


@dataclass
class Card:
    """`form` is what an approving vote fills in. `refusal` says why the reader may not vote."""

    request: DecisionRequest
    is_hidden: bool
    refusal: str
    has_voted: bool
    form: InputForm | None = None
    reason: str = ""
    result: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)

    @property
    def may_decide(self) -> bool:
        return not self.refusal

    @property
    def shown(self) -> Shown | None:
        return None if self.is_hidden else shown(self.request.shown)

    @property
    def sign(self) -> str:
        return SIGNS[RequestStatus(self.request.status)][0]

    @property
    def word(self) -> str:
        known = SIGNS[RequestStatus(self.request.status)][1]
        return _OUTCOMES.get(self.request.decision, known) if self.request.closed_by else known

    @property
    def closed(self) -> str:
        return closed_words(self.request)

    @property
    def is_about_outcome(self) -> bool:
        return self.request.kind == RequestKind.UNKNOWN_OUTCOME

    @property
    def needs_reason(self) -> bool:
        return self.request.needs_reason or self.is_about_outcome

    @property
    def result_said(self) -> Shown | None:
        """What a person says that the call gave."""
        return None if self.is_hidden else shown((self.request.answer or {}).get("result"))

    @property
    def votes(self) -> list[tuple[Any, str, Shown | None]]:
        """Each in words, and what its form was filled in with."""
        return [
            (vote, VERBS[Verdict(vote.verdict)], None if self.is_hidden else _filled(vote))
            for vote in self.request.votes.all()
        ]

    @property
    def progress(self) -> str:
        """`1 of 2 approvals`; empty where one vote decides."""
        row = self.request
        return f"{row.approvals} of {row.required} approvals" if row.required > 1 else ""

    @property
    def when_due(self) -> str:
        on_due = {"reject": "then it is rejected", "fail": "then the block fails"}
        by_kind = {
            RequestKind.TOOL_CALL: "then the call is refused",
            RequestKind.UNKNOWN_OUTCOME: "then the agent fails",
        }
        found = by_kind.get(RequestKind(self.request.kind))
        return found or on_due.get(self.request.on_due, "then the run goes on without a decision")


def card_of(caller: Caller, request: DecisionRequest, groups: Collection[str]) -> Card:
    """For a request `for_list`; `groups` are those that the caller belongs to."""
    refusal = refusal_of(caller, request, groups=groups)
    # Who sees a closed request reads of it what was decided.
    is_said = refusal is not None and not isinstance(refusal, RequestClosed)
    card = Card(
        request=request,
        is_hidden=not may_see_shown(caller, request, groups),
        refusal=str(refusal or ""),
        has_voted=is_said and isinstance(refusal, AlreadyVoted),
    )
    if card.may_decide and request.form is not None:
        card.form = InputForm(request.form, prefix=prefix_of(request))
    return card


def prefix_of(request: DecisionRequest) -> str:
    """Of the names of the form's fields, of which a page may have several forms."""
    return f"answers-{request.pk.hex[-12:]}"


def _filled(vote: Any) -> Shown | None:
    return shown(vote.answers) if vote.verdict == Verdict.APPROVE else None
