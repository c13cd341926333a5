"""What a vote says, and whether it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from designs.graph.schema_check import SchemaCheck
from designs.json_text import to_json
from executor.errors import VoteInvalid
from executor.models import DecisionRequest, RequestKind, Verdict

MAX_REASON = 4_000
MAX_ANSWER_BYTES = 100_000
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
_VERDICTS = {
    True: (Verdict.DONE, Verdict.AGAIN, Verdict.FAIL),
    False: (Verdict.APPROVE, Verdict.REJECT),
}

Errors = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Ballot:
    """`answers` fill in the request's form, with an approving vote; `result` is what came of a
    call, with the verdict `done`. Both are left out of other votes.
    """

    verdict: str
    reason: str = ""
    answers: Mapping[str, Any] | None = None
    result: Any = MISSING


def verdicts_for(request: DecisionRequest) -> tuple[Verdict, ...]:
    return _VERDICTS[request.kind == RequestKind.UNKNOWN_OUTCOME]


def stored_answers(request: DecisionRequest, ballot: Ballot) -> dict[str, Any] | None:
    """What is kept of the ballot's answers or result. Raises VoteInvalid."""
    errors: Errors = {}
    _check_words(request, ballot, errors)
    kept: dict[str, Any] | None = None
    if ballot.verdict == Verdict.APPROVE:
        kept = _form_answers(request, ballot.answers, errors)
    elif ballot.verdict == Verdict.DONE:
        if ballot.result is MISSING:
            errors["result"] = ["Say what the call gave."]
        else:
            kept = {"result": ballot.result}
    if kept is not None and len(to_json(kept)) > MAX_ANSWER_BYTES:
        place = "result" if ballot.verdict == Verdict.DONE else "answers"
        errors[place] = [f"This has more than {MAX_ANSWER_BYTES:,} bytes. Write less."]
    if errors:
        raise VoteInvalid(errors)
    return kept


def _check_words(request: DecisionRequest, ballot: Ballot, errors: Errors) -> None:
    possible = verdicts_for(request)
    if ballot.verdict not in possible:
        errors["verdict"] = [f"Choose one of {', '.join(possible)}."]
    is_needed = request.needs_reason or request.kind == RequestKind.UNKNOWN_OUTCOME
    if is_needed and not ballot.reason.strip():
        errors["reason"] = ["Give a reason."]
    elif len(ballot.reason) > MAX_REASON:
        errors["reason"] = [f"Write at most {MAX_REASON:,} characters."]


def _form_answers(
    request: DecisionRequest, answers: Mapping[str, Any] | None, errors: Errors
) -> dict[str, Any] | None:
    """The answers, held against the form."""
    if request.form is None:
        if answers:
            errors["answers"] = ["This request has no form. Leave this out."]
        return None
    given = dict(answers or {})
    try:
        misfits = SchemaCheck(request.form).misfits(given)
    except ValueError:
        errors["answers"] = ["The design's form is broken. Reject, and have the design mended."]
        return None
    for misfit in misfits:
        path = "/".join(["answers", *map(str, misfit.place)])
        errors.setdefault(path, []).append(misfit.sentence)
    return given
