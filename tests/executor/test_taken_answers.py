"""What the agents of a past run delivered, as one block alone takes it from there."""

from __future__ import annotations

from typing import Any

import pytest

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.models import Execution
from executor.services import try_design
from tests.graphs import agent, asking, design, link, transform
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)


def finished(drawn: Design, **more: Any) -> Execution:
    execution = try_design(design=drawn, input_data={}, caller=SYSTEM, **more)
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    execution.refresh_from_db()
    assert execution.status == "completed", execution.error
    return execution


@pytest.mark.parametrize(
    "block",
    [
        asking("team", "one", "two", kind="debate", settings={"rounds": 1, "judge": "vote"}),
        asking("team", "one", agent("two", role="reflector"), kind="reflection"),
        asking("team", "one", "two", kind="parallel"),
    ],
    ids=["voted", "criticised", "parallel"],
)
def test_agents_deliver_again_what_they_delivered(block: dict[str, Any]) -> None:
    raw = design(
        [block, transform("first", "incoming"), transform("second", "incoming")],
        [link("team", "first", source_agent="one"), link("team", "second", source_agent="two")],
    )
    drawn = create_design(document=raw, caller=SYSTEM)
    whole = finished(drawn)
    for name in ("first", "second"):
        again = finished(drawn, only=name, from_execution=whole.public_id)
        assert again.result_data == whole.blocks.get(block_id=name).output
