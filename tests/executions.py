"""Executions as acceptance makes them, in whatever state a test needs."""

from __future__ import annotations

from typing import Any

from executor.acceptance.runs import Order, accept
from executor.models import Execution


def new_execution(order: Order, **fields: Any) -> Execution:
    """The row to insert, with these fields changed; nothing is written."""
    execution = accept(order).execution
    for name, value in fields.items():
        setattr(execution, name, value)
    return execution
