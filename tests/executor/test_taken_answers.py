"""What the agents of a past run delivered, as one block alone takes it from there."""

from __future__ import annotations

from typing import Any

import pytest

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.errors import PartInvalid
from executor.history.outputs import outputs_of
from executor.history.pruning import remove_payloads
from executor.models import BlockResult, Execution
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
        asking("team", agent("one", role="manager"), "two", "three", kind="hierarchical"),
    ],
    ids=["voted", "criticised", "parallel", "managed"],
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


def team() -> dict[str, Any]:
    return design(
        [asking("team", "one", "two", kind="parallel"), transform("first", "incoming")],
        [link("team", "first", source_agent="one")],
    )


def test_what_connections_read_is_stored_as_it_was_delivered() -> None:
    """Answers do not tell it: of several tasks of an agent, the engine delivers all."""
    whole = finished(create_design(document=team(), caller=SYSTEM))
    row = whole.blocks.get(block_id="team")
    assert list(row.by_agent) == ["one"]
    assert whole.blocks.get(block_id="first").by_agent is None
    BlockResult.objects.filter(pk=row.pk).update(by_agent={"one": "As delivered."})
    again = finished(whole.design, only="first", from_execution=whole.public_id)
    assert again.result_data == "As delivered."
    remove_payloads([whole.pk])
    row.refresh_from_db()
    assert row.by_agent is None


def test_what_retention_removed_from_an_earlier_run_is_said() -> None:
    """The run that resumed it replayed its answers, so that it has none of its own."""
    drawn = create_design(document=team(), caller=SYSTEM)
    earlier, whole = finished(drawn), finished(drawn)
    whole.steps.filter(block_id="team").delete()
    whole.blocks.update(by_agent=None)
    Execution.objects.filter(pk=whole.pk).update(resumed_from=earlier)
    finished(drawn, only="first", from_execution=whole.public_id)
    remove_payloads([earlier.pk])
    for _ in range(2):
        with pytest.raises(PartInvalid) as raised:
            try_design(
                design=drawn, caller=SYSTEM, only="first", from_execution=whole.public_id,
                input_data={},
            )  # fmt: skip
        assert "retention has removed" in str(raised.value.errors)
        # Now it is gone as a whole.
        Execution.objects.filter(pk=whole.pk).update(resumed_from=None)
    given = {"team/one": "Typed."}
    again = finished(drawn, only="first", from_execution=whole.public_id, given=given)
    assert again.result_data == "Typed."


def test_a_block_that_ran_again_has_no_answers_of_before() -> None:
    """Another input may have other agents asked: what the rest said then is not the block's."""
    drawn = create_design(document=team(), caller=SYSTEM)
    earlier, again = finished(drawn), finished(drawn)
    agents = {"team": ["one", "two"]}
    again.steps.filter(agent_id="two").delete()
    edit = {"block": "team", "given": {}}
    Execution.objects.filter(pk=again.pk).update(resumed_from=earlier, edited=edit)
    again.refresh_from_db()
    assert list(outputs_of(again, agents)["team"]["by_agent"]) == ["one"]
    # A block that it did not run again keeps them.
    Execution.objects.filter(pk=again.pk).update(edited={"block": "first", "given": {}})
    again.refresh_from_db()
    assert sorted(outputs_of(again, agents)["team"]["by_agent"]) == ["one", "two"]
