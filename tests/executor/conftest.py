"""Executions for tests of how they are carried and recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from designs.access import SYSTEM
from designs.models import DesignVersion
from designs.services import create_design, publish_design
from executor.models import Execution, Trigger
from executor.services import Order, new_execution
from tests.documents import doubling


@pytest.fixture
def version_of() -> Callable[..., DesignVersion]:
    """Publishes a document."""

    def make(document: dict[str, Any] | None = None) -> DesignVersion:
        design = create_design(document=document or doubling(), caller=SYSTEM)
        return publish_design(design=design, caller=SYSTEM)

    return make


@pytest.fixture
def queue(version_of: Callable[..., DesignVersion]) -> Callable[..., Execution]:
    """Writes a queued execution without sending it: `queue(input_data={...}, limits={...})`."""

    def make(
        version: DesignVersion | None = None, limits: dict[str, Any] | None = None, **fields: Any
    ) -> Execution:
        order = Order(
            version=version or version_of(),
            input_data=fields.pop("input_data", {"number": 2}),
            trigger=Trigger.MANUAL,
            caller=SYSTEM,
            limits=limits or {},
        )
        execution = new_execution(order, **fields)
        execution.save(force_insert=True)
        return Execution.objects.get(pk=execution.pk)

    return make
