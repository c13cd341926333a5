"""The database's own guard of the audit: what is written there is neither changed nor deleted, but
for old entries, which `designs.auditing.audit.prune` alone lets go.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

from designs.rows.guards import restore, run_statements

TABLE = "designs_auditentry"
NAME = "designs_auditentry_kept"
SENTENCE = "What the audit holds is neither changed nor deleted."
# The table of the passes, and the age in days of what no pass lets go.
PASSES = "designs_auditpruning"
NEVER_BEFORE_DAYS = 30

_POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; "
    "END $$",
    f"CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OR DELETE ON {TABLE} "
    f"FOR EACH ROW EXECUTE FUNCTION {NAME}()",
    # Emptying a table fires no trigger of its rows.
    f"CREATE OR REPLACE TRIGGER {NAME}_whole BEFORE TRUNCATE ON {TABLE} "
    f"FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()",
)
_ON_SQLITE = {
    "UPDATE": "",
    "DELETE": "",
    # An insert that replaces deletes, and fires no trigger for that.
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
    """For a migration: make the triggers, as they were before old entries could go."""
    run_statements(schema_editor.connection, _POSTGRESQL, _SQLITE)


def let_old_entries_pass(apps: Any, schema_editor: Any) -> None:
    """For a migration: the triggers, which now let old entries go that a pass names."""
    run_statements(
        schema_editor.connection,
        (*_POSTGRESQL, *_PASSING_ON_POSTGRESQL),
        (*_SQLITE, *_PASSING_ON_SQLITE),
    )


def let_nothing_pass(apps: Any, schema_editor: Any) -> None:
    """For the way back of that migration."""
    unguard_entries(apps, schema_editor)
    guard_entries(apps, schema_editor)


def unguard_entries(apps: Any, schema_editor: Any) -> None:
    """For a migration's way back."""
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
    """After migrations, which may make the table anew."""
    if PASSES in connections[using].introspection.table_names():
        restore(using, TABLE, (*_SQLITE, *_PASSING_ON_SQLITE))
    else:
        restore(using, TABLE, _SQLITE)
