"""Who may not vote on a request, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from deployments.access.keys import create_key, find_caller
from designs.access import SYSTEM, caller_of
from designs.errors import RightMissing, RowGone
from executor.decisions import Ballot, may_decide, refusal_of, requests_for, vote, withdraw
from executor.errors import AlreadyVoted, NotInGroup, OwnRun, RequestClosed
from executor.models import DecisionRequest, Execution, Status
from tests.deciding import ask, cast, join, waiting_run, waiting_try

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


@pytest.fixture
def ben(make_user: Callable[..., User]) -> User:
    user = make_user("ben", "Operator")
    join("finance", user)
    return user


def refused(request: DecisionRequest, user: User, why: type[Exception]) -> str:
    """The sentence of the refusal, before the vote and at it; nothing is kept."""
    before = refusal_of(caller_of(User.objects.get(pk=user.pk)), request)
    with pytest.raises(why) as error:
        cast(request, user)
    assert type(before) is type(error.value)
    assert not request.votes.exclude(user=user).exists()
    return str(error.value)


def test_whoever_is_not_in_the_group(operator: User, ana: User) -> None:
    assert "finance" in refused(ask(), operator, NotInGroup)
    # At that moment, not when it was asked.
    request = ask()
    ana.groups.remove(Group.objects.get(name="finance"))
    refused(request, ana, NotInGroup)
    administrator = User.objects.create_superuser("root", password="x")
    refused(ask(), administrator, NotInGroup)


def test_whoever_may_only_look(viewer: User) -> None:
    join("finance", viewer)
    refused(ask(), viewer, RightMissing)


def test_without_a_group_whoever_has_the_right_decides(operator: User, viewer: User) -> None:
    request = ask(group="")
    refused(request, viewer, RightMissing)
    assert cast(request, operator).status == "approved"


@pytest.mark.parametrize("run_of", [waiting_run, waiting_try], ids=["deployment", "try"])
def test_whoever_started_the_run_unless_it_is_allowed(
    ana: User, ben: User, run_of: Callable[..., Execution]
) -> None:
    run = run_of(user=ana)
    refused(ask(run), ana, OwnRun)
    assert cast(ask(run), ben).status == "approved"
    run = run_of(user=ana)
    assert cast(ask(run, allows_self=True), ana).status == "approved"


def test_the_owner_of_the_key_that_started_it(ana: User) -> None:
    key, text = create_key(owner=ana, scopes=("execute", "approve"))
    run = waiting_run(user=ana, key_id=key.pk)
    request = ask(run)
    refused(request, ana, OwnRun)
    with pytest.raises(OwnRun):
        vote(request=request, caller=find_caller(text), ballot=Ballot("approve"))


def test_a_schedule_is_nobody(ana: User) -> None:
    assert cast(ask(waiting_run(user_id=None, trigger_type="scheduled")), ana).status == "approved"


def test_the_installation_itself_decides_nothing(ana: User) -> None:
    for group in ("finance", ""):
        assert isinstance(refusal_of(SYSTEM, ask(group=group)), NotInGroup)


def test_nobody_votes_twice(ana: User) -> None:
    request = ask(required=2)
    cast(request, ana)
    refused(request, ana, AlreadyVoted)
    assert request.votes.count() == 1


def test_who_comes_late_is_told_what_was_decided(ana: User, ben: User) -> None:
    request = ask()
    cast(request, ana)
    request.refresh_from_db()
    assert refused_late(request, ben) == "This is approved by ana."
    over = ask()
    withdraw(over.execution_id)
    over.refresh_from_db()
    assert "withdrawn" in refused_late(over, ben)
    ended = ask(waiting_run(status=Status.FAILED))
    assert "nothing is left" in refused_late(ended, ben)


def refused_late(request: DecisionRequest, user: User) -> str:
    with pytest.raises(RequestClosed) as error:
        cast(request, user)
    return str(error.value)


def test_a_request_that_retention_removed(ana: User) -> None:
    request = ask()
    Execution.objects.get(pk=request.execution_id).requests.all().delete()
    with pytest.raises(RowGone):
        cast(request, ana)


@pytest.mark.parametrize("scopes", [("execute", "read", "manage"), ("read",)])
def test_a_key_without_the_scope(ana: User, scopes: tuple[str, ...]) -> None:
    caller = find_caller(create_key(owner=ana, scopes=scopes)[1])
    with pytest.raises(RightMissing, match="approve"):
        vote(request=ask(), caller=caller, ballot=Ballot("approve"))


def test_a_key_with_the_scope_reads_requests_and_decides(ana: User) -> None:
    caller = find_caller(create_key(owner=ana, scopes=("approve",))[1])
    request = ask()
    assert requests_for(caller).get() == request
    assert may_decide(caller, request)
    assert vote(request=request, caller=caller, ballot=Ballot("approve")).status == "approved"


def test_keys_have_the_scope_only_if_it_is_named(ana: User) -> None:
    key, _ = create_key(owner=ana)
    assert "approve" not in key.scopes


def test_requests_of_hidden_deployments_are_not_seen(ana: User) -> None:
    hidden, open_to_all, of_try = waiting_run(), waiting_run(), waiting_try()
    hidden.deployment.groups.set([Group.objects.create(name="elsewhere")])
    requests = {run: ask(run) for run in (hidden, open_to_all, of_try)}
    seen: Any = set(requests_for(caller_of(ana)))
    assert seen == {requests[open_to_all], requests[of_try]}
    bound = create_key(owner=ana, scopes=("read",), deployments=[open_to_all.deployment])[1]
    assert set(requests_for(find_caller(bound))) == {requests[open_to_all]}
