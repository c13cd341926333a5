"""Triggers that refuse changes and deletions of audit entries in the database itself.

Only `designs.auditing.audit.prune` can delete old ones.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

from designs.rows.guards import restore, run_statements

TABLE = "designs_auditentry"
NAME = "designs_auditentry_kept"
SENTENCE = "What the audit holds is neither changed nor deleted."
# The table of permits to prune, and the age in days below which no permit counts.
PASSES = "designs_auditpruning"
NEVER_BEFORE_DAYS = 30

_POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; "
    "END $$",
    f"CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OR DELETE ON {TABLE} "
    f"FOR EACH ROW EXECUTE FUNCTION {NAME}()",
    # TRUNCATE fires no trigger of rows.
    f"CREATE OR REPLACE TRIGGER {NAME}_whole BEFORE TRUNCATE ON {TABLE} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()",
)
_ON_SQLITE = {
    "UPDATE": "",
    "DELETE": "",
    # INSERT OR REPLACE deletes a row, and fires no trigger for that.
    "INSERT": f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.id)",  # noqa: S608 - our own names
}
_SQLITE = tuple(
    f"CREATE TRIGGER IF NOT EXISTS {NAME}_{verb.lower()} BEFORE {verb} ON {TABLE} {when} "
    f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END"
    for verb, when in _ON_SQLITE.items()
)

_IS_PASSED = f"EXISTS (SELECT 1 FROM {PASSES} WHERE before > OLD.timestamp)"  # noqa: S608
_PASSING_ON_POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF TG_OP = 'DELETE' THEN "
    f"IF OLD.timestamp < now() - interval '{NEVER_BEFORE_DAYS} days' AND {_IS_PASSED} THEN "
    "RETURN OLD; END IF; END IF; "
    f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; "
    "END $$",
)
_PASSING_ON_SQLITE = (
    f"DROP TRIGGER IF EXISTS {NAME}_delete",
    f"CREATE TRIGGER {NAME}_delete BEFORE DELETE ON {TABLE} "
    f"WHEN NOT (OLD.timestamp < datetime('now', '-{NEVER_BEFORE_DAYS} days') AND {_IS_PASSED}) "
    f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END",
)


def guard_entries(apps: Any, schema_editor: Any) -> None:
    """For a migration: create the triggers, without an exception for old entries."""
    run_statements(schema_editor.connection, _POSTGRESQL, _SQLITE)


def let_old_entries_pass(apps: Any, schema_editor: Any) -> None:
    """For a migration: create the triggers that let a permit delete old entries."""
    run_statements(
        schema_editor.connection,
        (*_POSTGRESQL, *_PASSING_ON_POSTGRESQL),
        (*_SQLITE, *_PASSING_ON_SQLITE),
    )


def let_nothing_pass(apps: Any, schema_editor: Any) -> None:
    """Reverses `let_old_entries_pass`."""
    unguard_entries(apps, schema_editor)
    guard_entries(apps, schema_editor)


def unguard_entries(apps: Any, schema_editor: Any) -> None:
    """Reverses `guard_entries`."""
    run_statements(
        schema_editor.connection,
        (
            f"DROP TRIGGER IF EXISTS {NAME} ON {TABLE}",
            f"DROP TRIGGER IF EXISTS {NAME}_whole ON {TABLE}",
            f"DROP FUNCTION IF EXISTS {NAME}",
        ),
        tuple(f"DROP TRIGGER IF EXISTS {NAME}_{verb.lower()}" for verb in _ON_SQLITE),
    )


def restore_guard(using: str, **_: Any) -> None:
    """After migrations, which may replace the table."""
    can_prune = PASSES in connections[using].introspection.table_names()
    restore(using, TABLE, (*_SQLITE, *(_PASSING_ON_SQLITE if can_prune else ())))
