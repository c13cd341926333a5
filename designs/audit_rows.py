"""The database's own guard of the audit: what is written there is neither changed nor deleted."""

from __future__ import annotations

from typing import Any

from designs.guards import restore, run_statements

TABLE = "designs_auditentry"
NAME = "designs_auditentry_kept"
SENTENCE = "What the audit holds is neither changed nor deleted."

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


def guard_entries(apps: Any, schema_editor: Any) -> None:
    """For a migration: make the triggers."""
    run_statements(schema_editor.connection, _POSTGRESQL, _SQLITE)


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
    restore(using, TABLE, _SQLITE)
