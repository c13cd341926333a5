"""Designs that ask people, and runs of them in this process."""

from __future__ import annotations

from typing import Any

from executor.models import DecisionRequest, Execution
from tests.graphs import Json, asking, design, link, transform
from tests.performing import perform_execution


def approval(block_id: str = "release", **settings: Any) -> Json:
    asked = {"group": "finance", "question": "Pay?", "reason": "optional", **settings}
    return {"id": block_id, "type": "approval", "settings": asked}


def asking_design(**settings: Any) -> Json:
    """A model call, an approval, and a model call after it."""
    blocks = [asking("before"), approval(**settings), asking("after")]
    return design(blocks, [link("before", "release"), link("release", "after")])


def waiting_design(seconds: float = 3600) -> Json:
    wait = {"id": "later", "type": "wait", "settings": {"seconds": seconds}}
    return design([wait, transform("next", "'went on'")], [link("later", "next")])


def perform(execution: Execution) -> Execution:
    """Run an attempt to its end; the row as it is then."""
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def request_of(execution: Execution) -> DecisionRequest:
    return DecisionRequest.objects.get(execution=execution)
