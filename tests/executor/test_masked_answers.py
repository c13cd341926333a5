"""A model that says a secret of the installation: masked, and told in the audit with who asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from designs.models import Action, AuditEntry
from designs.secrets.masking import MASK
from executor.language_models.registry import model_registry
from executor.models import Execution, Step
from tests.documents import greeting
from tests.executor.connections import connect
from tests.model_server import model_server, says
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

STRONG = "q7KdZt93Lm1wB8xRv-5d1f9b3c7a2e8046"


def run(queue: Callable[..., Execution], version: Any, said: str) -> Execution:
    model_registry().connections.expire()
    with model_server() as server:
        server.usual = says(said)
        connect(server, "said", key=STRONG)
        execution = queue(version, input_data={})
        future = perform_execution(execution.pk)
        assert future is not None
        future.result(timeout=60)
    execution.refresh_from_db()
    return execution


def test_who_had_a_model_say_a_secret_is_in_the_audit(
    queue: Callable[..., Execution], version_of: Callable[..., Any]
) -> None:
    version = version_of({**greeting(), "model": "said"})
    execution = run(queue, version, f"It is {STRONG}, I think: {STRONG}")
    assert execution.status == "completed"
    assert {step.text for step in Step.objects.all()} == {f"It is {MASK}, I think: {MASK}"}
    [entry] = AuditEntry.objects.filter(action=Action.MASK)
    assert entry.object_pk == str(execution.pk)
    assert entry.actor_name == (execution.triggered_by or "nobody")
    assert entry.additional_data == {"secrets": 2 * Step.objects.count()}


def test_what_is_no_secret_here_is_not_told(
    queue: Callable[..., Execution], version_of: Callable[..., Any]
) -> None:
    version = version_of({**greeting(), "model": "said"})
    assert run(queue, version, "It is orc_1f0c9a3b_" + "x9" * 20).status == "completed"
    assert not AuditEntry.objects.filter(action=Action.MASK).exists()
