"""The audit only grows: the database itself refuses everything else, on both databases."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError, connection, transaction

from designs.auditing.audit import Action, note
from designs.models import AuditEntry
from designs.rows.audit_guard import NAME, SENTENCE, TABLE, restore_guard, unguard_entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry() -> AuditEntry:
    return note(Action.EXPORT, Group.objects.create(name="Clerks"), count=1)


def refused(statement: str, *values: Any) -> None:
    with (
        pytest.raises(IntegrityError, match=SENTENCE),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, values)


@pytest.mark.parametrize(
    "change",
    [
        {"actor_name": "somebody else"},
        {"actor_id": None},
        {"changes": {}},
        {"timestamp": "2020-01-01T00:00:00Z"},
        {"remote_addr": None},
        {"actor_name": "system"},
    ],
)
def test_no_entry_is_changed(entry: AuditEntry, change: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(**change)
    assert AuditEntry.objects.filter(pk=entry.pk, actor_name="system").exists()


def test_no_entry_is_saved_again(entry: AuditEntry) -> None:
    with pytest.raises(TypeError, match="never changed"):
        entry.save()


def test_no_entry_is_deleted(entry: AuditEntry) -> None:
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        entry.delete()
    with pytest.raises(IntegrityError, match=SENTENCE), transaction.atomic():
        AuditEntry.objects.all().delete()
    refused("DELETE FROM designs_auditentry")
    assert AuditEntry.objects.filter(pk=entry.pk).exists()


def test_nor_emptied_or_replaced_by_another_way(entry: AuditEntry) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # What this test has written waits for its foreign keys.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refused("TRUNCATE designs_auditentry")
        refused("TRUNCATE designs_auditentry CASCADE")
        return
    refused("INSERT OR REPLACE INTO designs_auditentry SELECT * FROM designs_auditentry")
    same = "REPLACE INTO designs_auditentry SELECT * FROM designs_auditentry WHERE id = %s"
    refused(same, entry.pk.hex)


def test_what_a_deleted_person_did_stays_theirs() -> None:
    user = User.objects.create_user("gone")
    entry = note(Action.SIGN_IN, user)
    mine = AuditEntry(
        action=Action.EXPORT, content_type=entry.content_type, actor=user, actor_name="gone"
    )
    mine.save(force_insert=True)
    pk = user.pk
    user.delete()
    kept = AuditEntry.objects.get(pk=mine.pk)
    assert (kept.actor_id, kept.actor_name) == (pk, "gone")


def test_nobody_has_the_right_to_write() -> None:
    root = User.objects.create_superuser("root")
    names = {name for name in root.get_all_permissions() if "auditentry" in name}
    assert names == {"designs.view_auditentry"}


def test_the_guard_comes_back_after_a_migration_that_made_the_table_anew(
    entry: AuditEntry,
) -> None:
    if connection.vendor == "sqlite":
        unguard_entries(None, SimpleNamespace(connection=connection))
        assert AuditEntry.objects.filter(pk=entry.pk).update(cid="x") == 1
    restore_guard(using="default")
    refused("UPDATE designs_auditentry SET cid = 'y'")


def test_the_guard_has_no_hole_left_by_its_name() -> None:
    """Each verb that could change a row has its trigger."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE]
            )
            wanted = {f"{NAME}_{verb}" for verb in ("update", "delete", "insert")}
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal "
                "AND tgenabled = 'O'",
                [TABLE],
            )
            wanted = {NAME, f"{NAME}_whole"}
        assert {name for (name,) in cursor.fetchall()} == wanted
