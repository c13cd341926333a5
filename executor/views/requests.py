"""The pages of requests to people: what waits for a decision, what was decided, and votes."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from designs.errors import RightMissing, RowGone
from designs.input_forms import InputForm
from designs.requests import PageRequest, page_of, render_fresh, requires
from executor.decisions import Ballot, count_waiting, groups_of, requests_for, vote
from executor.errors import VoteInvalid, VoteRefused
from executor.models import DecisionRequest, Verdict
from executor.models.decision import DECIDE, VIEW
from executor.views.request_cards import Card, card_of, prefix_of

_SAID = {
    Verdict.APPROVE: "You approved: {}",
    Verdict.REJECT: "You rejected: {}",
    Verdict.DONE: "You said that it was done: {}",
    Verdict.AGAIN: "It is called again: {}",
    Verdict.FAIL: "It fails: {}",
}
MAX_SAID = 120
# Where errors are that belong to the form.
ANSWERS = "answers"


@require_safe
@requires(VIEW)
def request_list(request: PageRequest) -> HttpResponse:
    """The open ones, those first that are due first; `?mine=1`: only those that wait for me."""
    is_mine = request.GET.get("mine") == "1"
    rows = requests_for(request.caller).open()
    if is_mine:
        rows = DecisionRequest.objects.waiting_for(request.caller)
    in_order = rows.for_list().order_by(F("due_at").asc(nulls_last=True), "id")
    found, links = page_of(request, in_order)
    context = {
        "cards": _cards(request, found),
        "is_mine": is_mine,
        "waiting": count_waiting(request.caller),
        "may_decide": request.caller.may(DECIDE),
        "tab": "open",
        **links,
    }
    return render_fresh(request, "executor/request_list.html", context)


@require_safe
@requires(VIEW)
def request_closed(request: PageRequest) -> HttpResponse:
    """What was decided or is over, the newest request first."""
    closed = requests_for(request.caller).exclude(status="open")
    found, links = page_of(request, closed.for_list().order_by("-id"))
    context = {"cards": _cards(request, found), "tab": "closed", **links}
    return render_fresh(request, "executor/request_closed.html", context)


@require_safe
@requires(VIEW)
def request_detail(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    (card,) = _cards(request, [_find(request, pk)])
    return render_fresh(request, "executor/request_detail.html", {"card": card})


@require_POST
@requires(DECIDE)
def request_vote(request: PageRequest, pk: uuid.UUID) -> HttpResponse:
    """A vote; the page of the request again if something is missing, or a button of its form was
    pressed.
    """
    found = _find(request, pk)
    posted = request.POST
    form = None
    if found.form is not None:
        form = InputForm.posted(found.form, posted, prefix=prefix_of(found))
    if form is not None and form.is_asking:
        return _again(request, found, form, {})
    verdict = posted.get("verdict", "")
    if form is not None and verdict == Verdict.APPROVE and not form.is_readable:
        return _again(request, found, form, {}, status=422)
    try:
        voted = vote(request=found, caller=request.caller, ballot=_ballot(posted, form))
    except VoteInvalid as error:
        return _again(request, found, form, error.errors, status=422)
    except (VoteRefused, RightMissing) as error:
        messages.warning(request, str(error))
    except RowGone as error:
        messages.warning(request, str(error))
        return redirect("executor:request-list")
    else:
        messages.success(request, _SAID[Verdict(verdict)].format(voted.question[:MAX_SAID]))
        return redirect("executor:request-list")
    return redirect("executor:request-detail", pk=found.pk)


def _ballot(posted: Any, form: InputForm | None) -> Ballot:
    verdict, reason = posted.get("verdict", ""), posted.get("reason", "").replace("\0", "")
    if verdict == Verdict.DONE:
        return Ballot(verdict, reason, result=posted.get("result", "").replace("\0", ""))
    is_filled = form is not None and verdict == Verdict.APPROVE
    return Ballot(verdict, reason, answers=form.value if form is not None and is_filled else None)


def _again(
    request: PageRequest,
    found: DecisionRequest,
    form: InputForm | None,
    errors: dict[str, list[str]],
    *,
    status: int = 200,
) -> HttpResponse:
    """The page with all that was typed."""
    (card,) = _cards(request, [found])
    if form is not None and card.may_decide:
        form.show_errors({at: texts for at, texts in errors.items() if at.startswith(ANSWERS)})
        card.form = form
    card.errors = {at: texts for at, texts in errors.items() if not at.startswith(ANSWERS)}
    card.reason, card.result = request.POST.get("reason", ""), request.POST.get("result", "")
    # Refreshing would take away what was typed and what is wrong with it.
    context = {"card": card, "is_again": True}
    return render(request, "executor/request_detail.html", context, status=status)


def _cards(request: PageRequest, rows: list[DecisionRequest]) -> list[Card]:
    groups = groups_of(request.caller)
    return [card_of(request.caller, row, groups) for row in rows]


def _find(request: PageRequest, pk: uuid.UUID) -> DecisionRequest:
    found: DecisionRequest = get_object_or_404(requests_for(request.caller).for_list(), pk=pk)
    return found
