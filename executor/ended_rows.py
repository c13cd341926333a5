"""The database's own guard: an execution that has ended keeps its status, result and error."""

from __future__ import annotations

from typing import Any

from designs.guards import restore, run_statements

TABLE = "executor_execution"
NAME = "executor_execution_ended"
SENTENCE = "An execution that has ended is not changed."
_ENDED = "OLD.status IN ('completed', 'failed', 'timed_out', 'cancelled')"
_KEPT = ("status", "result_data", "error")


def _changed(differs: str) -> str:
    return " OR ".join(f"NEW.{column} {differs} OLD.{column}" for column in _KEPT)


_POSTGRESQL = (
    f"CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"RAISE EXCEPTION '{SENTENCE}' USING ERRCODE = 'integrity_constraint_violation'; "
    "END $$",
    f"CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OF {', '.join(_KEPT)} ON {TABLE} FOR EACH ROW "
    f"WHEN ({_ENDED} AND ({_changed('IS DISTINCT FROM')})) EXECUTE FUNCTION {NAME}()",
)
_SQLITE = (
    f"CREATE TRIGGER IF NOT EXISTS {NAME} BEFORE UPDATE OF {', '.join(_KEPT)} ON {TABLE} "
    f"FOR EACH ROW WHEN {_ENDED} AND ({_changed('IS NOT')}) "
    f"BEGIN SELECT RAISE(ABORT, '{SENTENCE}'); END",
)


def guard_ended_rows(apps: Any, schema_editor: Any) -> None:
    """For a migration: make the trigger."""
    run_statements(schema_editor.connection, _POSTGRESQL, _SQLITE)


def unguard_ended_rows(apps: Any, schema_editor: Any) -> None:
    """For a migration's way back."""
    drop = f"DROP TRIGGER IF EXISTS {NAME}"
    function = f"DROP FUNCTION IF EXISTS {NAME}"
    run_statements(schema_editor.connection, (f"{drop} ON {TABLE}", function), (drop,))


def restore_guard(using: str, **_: Any) -> None:
    """After migrations, which may make the table anew."""
    restore(using, TABLE, _SQLITE)
