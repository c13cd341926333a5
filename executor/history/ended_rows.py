"""A database trigger: ended executions keep their status, result and error; only retention may
empty them.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

from designs.rows.guards import restore, run_statements

TABLE = "executor_execution"
NAME = "executor_execution_ended"
SENTENCE = "An execution that has ended is not changed."
_ENDED = "OLD.status IN ('completed', 'failed', 'timed_out', 'cancelled')"
_FROZEN = ("status", "result_data", "error")
# Retention removes the texts once, records when, and changes no status.
_IS_EMPTIED = (
    "OLD.payload_removed_at IS NULL AND NEW.payload_removed_at IS NOT NULL "
    "AND NEW.result_data IS NULL AND NEW.status = OLD.status"
)


def _refused(differs: str, *, but_for: str = "") -> str:
    changed = " OR ".join(f"NEW.{column} {differs} OLD.{column}" for column in _FROZEN)
    return f"{_ENDED} AND ({changed})" + (f" AND NOT ({but_for})" if but_for else "")


def _on_postgresql(but_for: str = "") -> tuple[str, ...]:
    return (
        f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$",
        f"CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OF {', '.join(_FROZEN)} ON {TABLE} "
        f"FOR EACH ROW WHEN ({_refused('IS DISTINCT FROM', but_for=but_for)}) "
        f"EXECUTE FUNCTION {NAME}()",
    )


def _on_sqlite(but_for: str = "") -> tuple[str, ...]:
    return (
        f"DROP TRIGGER IF EXISTS {NAME}",
        f"CREATE TRIGGER {NAME} BEFORE UPDATE OF {', '.join(_FROZEN)} ON {TABLE} "
        f"FOR EACH ROW WHEN {_refused('IS NOT', but_for=but_for)} "
        f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END",
    )


def guard_ended_rows(apps: Any, schema_editor: Any) -> None:
    """For a migration: create the trigger, as it was before there was retention."""
    run_statements(schema_editor.connection, _on_postgresql(), _on_sqlite())


def let_retention_pass(apps: Any, schema_editor: Any) -> None:
    """For a migration: a trigger that lets retention empty a row."""
    run_statements(schema_editor.connection, _on_postgresql(_IS_EMPTIED), _on_sqlite(_IS_EMPTIED))


def unguard_ended_rows(apps: Any, schema_editor: Any) -> None:
    drop = f"DROP TRIGGER IF EXISTS {NAME}"
    function = f"DROP FUNCTION IF EXISTS {NAME}"
    run_statements(schema_editor.connection, (f"{drop} ON {TABLE}", function), (drop,))


def restore_guard(using: str, **_: Any) -> None:
    """After migrations, since SQLite loses triggers when it rebuilds a table."""
    connection = connections[using]
    if connection.vendor != "sqlite" or TABLE not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        columns = connection.introspection.get_table_description(cursor, TABLE)
    has_retention = any(column.name == "payload_removed_at" for column in columns)
    restore(using, TABLE, _on_sqlite(_IS_EMPTIED if has_retention else ""))
