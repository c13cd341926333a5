"""Ended executions, written directly into the history."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from deployments.models import Deployment, RetentionPolicy
from designs.access import SYSTEM
from designs.rows.ids import first_id_at
from executor.acceptance.runs import Order
from executor.models import BlockResult, Execution, Status, Step, Trigger
from tests.executions import new_execution

HIDDEN_ERROR = {"class": "output", "message": "It said: a plan", "block_id": "a", "step": "a/1"}
PLAIN_ERROR = {"class": "limit", "message": "Too many calls.", "block_id": "a", "step": None}


def ended(
    deployment: Deployment, *, days_ago: float = 0.0, at: datetime | None = None, **fields: Any
) -> Execution:
    """An execution accepted this many days ago, which ended two seconds later."""
    at = at or timezone.now() - timedelta(days=days_ago)
    order = Order(
        deployment.version, {"number": 1}, Trigger.API, SYSTEM, deployment_id=deployment.pk
    )
    values: dict[str, Any] = {
        "status": Status.COMPLETED,
        "result_data": {"number": 2},
        "created_at": at,
        "started_at": at,
        "completed_at": at + timedelta(seconds=2),
        "attempt": 1,
        "model_calls": 1,
        "input_tokens": 10,
        "output_tokens": 5,
        **fields,
    }
    execution = new_execution(order)
    for name, value in values.items():
        setattr(execution, name, value)
    # An id begins with its time.
    mine = execution.pk.int & ((1 << 74) - 1)
    execution.pk = type(execution.pk)(int=first_id_at(at).int | mine)
    execution.save(force_insert=True)
    return execution


def with_texts(execution: Execution) -> Execution:
    """An execution with a block and a step that hold the texts."""
    now = execution.created_at
    BlockResult.objects.create(
        execution=execution, block_id="a", status="completed", output="said", error=HIDDEN_ERROR
    )
    Step.objects.create(
        execution=execution, key="a/1", block_id="a", purpose="answer", model="m",
        prompt={"s": "p"}, text="said", output={"a": 1}, input_tokens=10, started_at=now,
        finished_at=now,
    )  # fmt: skip
    return execution


def keep(**fields: object) -> None:
    """Set the installation's policy."""
    RetentionPolicy.stored_general()
    RetentionPolicy.objects.filter(is_general=True).update(**fields)
