"""Runs migrations' statements for triggers that guard rows, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections


def run_statements(connection: Any, on_postgresql: Sequence[str], on_sqlite: Sequence[str]) -> None:
    statements = {"postgresql": on_postgresql, "sqlite": on_sqlite}[connection.vendor]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def restore(using: str, table: str, on_sqlite: Sequence[str]) -> None:
    """After migrations: SQLite drops triggers when it alters a column, by copying the table."""
    connection = connections[using]
    if connection.vendor == "sqlite" and table in connection.introspection.table_names():
        run_statements(connection, (), on_sqlite)
