"""The five groups get what is new for them, and nothing that an administrator took away."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from designs import access
from designs.auditing.audit import AuditEntry
from designs.groups import ensure_groups
from designs.models import GroupGrant

pytestmark = pytest.mark.django_db


def rights(name: str) -> set[str]:
    rows = Group.objects.get(name=name).permissions.values_list(
        "content_type__app_label", "codename"
    )
    return {f"{app}.{codename}" for app, codename in rows}


def new_permission(codename: str) -> str:
    """As a migration of a later release makes one."""
    kind = ContentType.objects.get(app_label="designs", model="design")
    Permission.objects.create(content_type=kind, codename=codename, name=codename)
    return f"designs.{codename}"


def declare(monkeypatch: pytest.MonkeyPatch, group: str, permission: str) -> None:
    declared: Any = access.GROUPS[group]
    monkeypatch.setitem(access.GROUPS, group, (*declared, permission))


def take_away(group: str, permission: str) -> None:
    app, _, codename = permission.partition(".")
    found = Permission.objects.get(content_type__app_label=app, codename=codename)
    Group.objects.get(name=group).permissions.remove(found)


def test_a_new_installation_has_what_is_declared() -> None:
    for name, declared in access.GROUPS.items():
        assert declared is None or rights(name) == set(declared)
    assert len(rights("Administrator")) == Permission.objects.count()


def test_what_is_new_is_given_and_what_was_taken_stays_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take_away("Operator", "executor.operate_execution")
    take_away("Administrator", "auth.delete_user")
    added = new_permission("praise_design")
    declare(monkeypatch, "Operator", added)
    ensure_groups()
    assert added in rights("Operator") & rights("Administrator")
    assert added not in rights("Viewer")
    assert "executor.operate_execution" not in rights("Operator")
    assert "auth.delete_user" not in rights("Administrator")


def test_the_new_one_may_be_taken_away_in_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    added = new_permission("praise_design")
    declare(monkeypatch, "Operator", added)
    ensure_groups()
    take_away("Operator", added)
    ensure_groups()
    assert added not in rights("Operator")


def test_what_an_administrator_gave_besides_stays() -> None:
    group = Group.objects.get(name="Viewer")
    group.permissions.add(Permission.objects.get(codename="add_design"))
    ensure_groups()
    assert "designs.add_design" in rights("Viewer")


def test_groups_from_before_grants_were_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """They get what came after them, and what was taken from them is left away for good."""
    GroupGrant.objects.all().delete()
    take_away("Operator", "executor.operate_execution")
    added = new_permission("praise_design")
    declare(monkeypatch, "Operator", added)
    for _ in range(2):
        ensure_groups()
        assert added in rights("Operator") & rights("Administrator")
        assert "executor.operate_execution" not in rights("Operator")


def test_a_group_that_was_deleted_is_made_with_all_it_may() -> None:
    take_away("Designer", "designs.try_design")
    Group.objects.get(name="Designer").delete()
    ensure_groups()
    assert rights("Designer") == set(access.GROUPS["Designer"] or ())


def test_each_migrate_sees_to_it_and_the_audit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    added = new_permission("praise_design")
    declare(monkeypatch, "Deployer", added)
    before = len(rights("Deployer"))
    call_command("migrate", verbosity=0)
    assert added in rights("Deployer")
    entry = AuditEntry.objects.filter(object_repr="Deployer").first()
    assert entry is not None
    assert entry.actor_name == "system"
    given, now = entry.changes["permissions"]
    assert (len(given), len(now)) == (before, before + 1)
    call_command("migrate", verbosity=0)
    assert AuditEntry.objects.filter(object_repr="Deployer").first() == entry


def test_what_is_not_declared_any_more_is_taken_back_once() -> None:
    old = "django_celery_beat.add_periodictask"
    assert old not in rights("Deployer")
    group = Group.objects.get(name="Deployer")
    permission = Permission.objects.get(codename="add_periodictask")
    # As a release gave it that declared it.
    group.permissions.add(permission)
    GroupGrant.objects.create(group="Deployer", permission=old)
    ensure_groups()
    assert old not in rights("Deployer")
    assert old in rights("Administrator")
    # An administrator gives it all the same.
    group.permissions.add(permission)
    ensure_groups()
    assert old in rights("Deployer")
