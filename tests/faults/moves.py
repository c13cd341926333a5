"""A log of every change of an execution's status, kept by the database itself for the battery."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

_POSTGRES = """
CREATE TABLE fault_moves (id bigserial PRIMARY KEY, execution_id uuid, old text, new text,
  attempt integer, at double precision);
CREATE FUNCTION fault_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO fault_moves (execution_id, old, new, attempt, at) VALUES (NEW.id,
    CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status, NEW.attempt,
    extract(epoch from clock_timestamp()));
  RETURN NULL; END $$;
CREATE TRIGGER fault_note AFTER INSERT OR UPDATE OF status ON executor_execution FOR EACH ROW
  EXECUTE FUNCTION fault_note();
"""
_INSERT = (
    "INSERT INTO fault_moves (execution_id, old, new, attempt, at) VALUES (NEW.id, {old}, "
    "NEW.status, NEW.attempt, (julianday('now') - 2440587.5) * 86400.0)"
)
_SQLITE = (
    "CREATE TABLE fault_moves (id integer PRIMARY KEY, execution_id text, old text, new text, "
    "attempt integer, at real)",
    "CREATE TRIGGER fault_insert AFTER INSERT ON executor_execution BEGIN "
    f"{_INSERT.format(old='NULL')}; END",
    "CREATE TRIGGER fault_update AFTER UPDATE OF status ON executor_execution BEGIN "
    f"{_INSERT.format(old='OLD.status')}; END",
)


@dataclass(frozen=True, slots=True)
class Move:
    """One change; `old` is None when the row was made. `at` in seconds since the epoch."""

    execution: str
    old: str | None
    new: str
    attempt: int
    at: float


def keep_moves() -> None:
    """Make the log."""
    statements = (_POSTGRES,) if connection.vendor == "postgresql" else _SQLITE
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def read_moves() -> list[Move]:
    """All of them, in the order of happening."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT execution_id, old, new, attempt, at FROM fault_moves ORDER BY id")
        return [Move(str(pk).replace("-", ""), *rest) for pk, *rest in cursor.fetchall()]
