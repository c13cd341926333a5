"""Requests to people: who sees them, who decides, votes, due times, mail."""

from executor.decisions.answers import Ballot
from executor.decisions.deciders import problems_of_deciders
from executor.decisions.due import close_due, withdraw
from executor.decisions.mail import look_for_untold, tell_members
from executor.decisions.needs import waiting_for
from executor.decisions.reading import (
    count_waiting,
    may_see_shown,
    requests_for,
    requests_of,
)
from executor.decisions.rights import closed_words, groups_of, may_decide, refusal_of
from executor.decisions.taking import has_waited, take_decisions, wake_if_decided
from executor.decisions.voting import vote

__all__ = [
    "Ballot",
    "close_due",
    "closed_words",
    "count_waiting",
    "groups_of",
    "has_waited",
    "look_for_untold",
    "may_decide",
    "may_see_shown",
    "problems_of_deciders",
    "refusal_of",
    "requests_for",
    "requests_of",
    "take_decisions",
    "tell_members",
    "vote",
    "waiting_for",
    "wake_if_decided",
    "withdraw",
]
