"""API keys: shown once, kept as a hash, never more than their owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.utils import timezone

from deployments.access.keys import create_key, find_caller, forget_keys, revoke_key, rotate_key
from deployments.errors import KeyRefused
from deployments.models import ApiKey, Deployment

pytestmark = pytest.mark.django_db


def test_a_key_speaks_for_its_owner(operator: User) -> None:
    key, text = create_key(owner=operator, scopes=("execute",))
    caller = find_caller(text)
    assert caller.name == "operator"
    assert caller.may("deployments.execute_deployment")
    assert not caller.may("deployments.change_deployment")
    key.refresh_from_db()
    assert key.last_used_at is not None


def test_the_secret_is_nowhere_in_the_row(operator: User) -> None:
    key, text = create_key(owner=operator)
    secret = text.split("_", 2)[2]
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert secret not in str(row)
    assert text.startswith(f"orc_{key.prefix}_")


def test_scopes_narrow_what_the_owner_may(administrator: User) -> None:
    reader = find_caller(create_key(owner=administrator, scopes=("read",))[1])
    assert reader.may("deployments.view_deployment")
    assert not reader.may("deployments.execute_deployment")
    assert not reader.may("deployments.delete_deployment")


@pytest.mark.parametrize("change", ["revoked", "expired", "owner left", "secret", "rotated"])
def test_a_key_that_is_no_good_is_refused(operator: User, change: str) -> None:
    key, text = create_key(owner=operator)
    find_caller(text)
    if change == "revoked":
        revoke_key(key=key)
    elif change == "expired":
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif change == "owner left":
        User.objects.update(is_active=False)
    elif change == "secret":
        text = text[:-1] + ("x" if text[-1] != "x" else "y")
    else:
        assert find_caller(rotate_key(key=key)[1]).name == "operator"
    forget_keys()
    with pytest.raises(KeyRefused):
        find_caller(text)


def test_a_right_taken_from_the_owner_is_taken_from_the_key(operator: User) -> None:
    _, text = create_key(owner=operator)
    operator.groups.clear()
    assert not find_caller(text).may("deployments.execute_deployment")


def test_a_bound_key_sees_its_deployments_only(
    operator: User, deploy: Callable[..., Deployment]
) -> None:
    bound, other = deploy(path="/a"), deploy(path="/b")
    caller = find_caller(create_key(owner=operator, deployments=[bound])[1])
    assert list(Deployment.objects.for_caller(caller)) == [bound]
    assert not caller.sees((), other.pk)


def test_unknown_scopes_are_refused(operator: User) -> None:
    with pytest.raises(ValidationError, match="Unknown scope"):
        create_key(owner=operator, scopes=("everything",))


def test_the_command_prints_the_key_and_nothing_else(operator: User) -> None:
    out = StringIO()
    call_command("create_api_key", "operator", "--scopes", "read", stdout=out)
    assert find_caller(out.getvalue().strip()).scopes == {"read"}
    with pytest.raises(CommandError, match="no user"):
        call_command("create_api_key", "nobody")
    with pytest.raises(CommandError, match="Unknown scope"):
        call_command("create_api_key", "operator", "--scopes", "all")
