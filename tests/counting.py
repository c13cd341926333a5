"""Counts what work costs, where a clock would tell of the machine."""

from __future__ import annotations

import cProfile
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
import pytest

T = TypeVar("T")


def calls_of(work: Callable[[], T]) -> tuple[int, T]:
    """How many functions the work calls, Python's and C's; and what it gives."""
    # Written in C: a function of Python for each call would take most of the time.
    profiler = cProfile.Profile()
    found = profiler.runcall(work)
    return sum(entry.callcount for entry in profiler.getstats()), found


def round_trips(monkeypatch: pytest.MonkeyPatch, thread: str) -> list[str]:
    """What the thread of this name asks PostgreSQL from now on, BEGIN and COMMIT included; each
    waits for its answer.
    """
    found: list[str] = []
    execute, command = psycopg.Cursor.execute, psycopg.Connection._exec_command

    def executed(self: Any, query: Any, *values: Any, **more: Any) -> Any:
        if threading.current_thread().name == thread:
            found.append(query.decode() if isinstance(query, bytes) else str(query))
        return execute(self, query, *values, **more)

    def commanded(self: Any, query: Any, *more: Any) -> Any:
        if threading.current_thread().name == thread:
            found.append(query.decode() if isinstance(query, bytes) else str(query))
        return command(self, query, *more)

    monkeypatch.setattr(psycopg.Cursor, "execute", executed)
    monkeypatch.setattr(psycopg.Connection, "_exec_command", commanded)
    return found
