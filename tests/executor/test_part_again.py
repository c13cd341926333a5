"""A run of one block alone: after a killed worker, resumed, re-run, emptied, and as a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from executor import states
from executor.errors import NotResumable, PartInvalid, RunUnknown
from executor.history.pruning import remove_payloads
from executor.models import Execution, Status
from executor.services import rerun_execution, resume_execution, try_design
from tests.executor.carried import Carriers
from tests.faults.provider import Provider
from tests.graphs import agent, asking, design, link, transform

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "openai_compatible:counted"
GIVEN = {"before": "what came before"}


def desk(**more: Any) -> dict[str, Any]:
    agents = [agent(name, name=name.title()) for name in ("one", "two", "three")]
    return design(
        [transform("before"), asking("desk", *agents, label="Billing desk"),
         transform("after", "incoming")],
        [link("before", "desk"), link("desk", "after")],
        model=MODEL,
        **more,
    )  # fmt: skip


@pytest.fixture
def drawn(db: None) -> Design:
    return create_design(document=desk(), caller=SYSTEM)


def part_of(drawn: Design, **more: Any) -> Execution:
    execution = try_design(
        design=drawn, input_data=None, caller=SYSTEM, only="desk", given=GIVEN, **more
    )
    return Execution.objects.get(pk=execution.pk)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_worker_is_followed_by_one_that_goes_on(
    model: Provider, carriers: Carriers, when: str
) -> None:
    document = {**desk(), "model": None}
    execution = part_of(create_design(document=document, caller=SYSTEM))
    Execution.objects.filter(pk=execution.pk).update(models_default=[MODEL])
    before = model.begun.total()
    assert carriers.carry(execution.pk, fault_point=f"step.{when}:2") == -9
    Execution.objects.filter(pk=execution.pk).update(lease_until=None)
    assert states.requeue_lost(execution.pk)
    assert carriers.carry(execution.pk) == 0
    execution.refresh_from_db()
    assert (execution.status, execution.attempt) == (Status.COMPLETED, 2)
    steps = list(execution.steps.all())
    assert [step.agent_id for step in steps] == ["one", "two", "three"]
    assert execution.result_data == steps[-1].text
    assert execution.blocks.get().block_id == "desk"
    assert "what came before" in str(steps[0].prompt)
    # The call whose record was lost is made a second time, and no other.
    assert model.begun.total() - before == 3 + (when == "before")


def failed(execution: Execution) -> Execution:
    assert states.claim(execution.pk, owner="test", lease_seconds=30)
    assert states.finish(execution.pk, Status.FAILED, attempt=1, error={"class": "provider"})
    return Execution.objects.get(pk=execution.pk)


@pytest.fixture
def local(drawn: Design) -> Design:
    """The same with the stand-in."""
    change_draft(caller=SYSTEM, design=drawn, document={**desk(), "model": "offline:stand-in"})
    drawn.refresh_from_db()
    return drawn


@pytest.mark.parametrize("version", [None, 1])
def test_again_is_the_same_part(local: Design, version: int | None) -> None:
    publish_design(design=local, caller=SYSTEM)
    first = failed(part_of(local, version=version))
    for again in (
        resume_execution(execution=first, caller=SYSTEM),
        rerun_execution(execution=first, caller=SYSTEM),
        rerun_execution(execution=first, caller=SYSTEM, newest=True),
    ):
        again.refresh_from_db()
        assert again.part == first.part == {"only": "desk", "label": "Billing desk"}
        assert again.given_outputs == first.given_outputs == {"before": {"output": GIVEN["before"]}}


def test_a_version_that_reads_more_is_not_run_with_less(local: Design) -> None:
    first = failed(part_of(local))
    changed = desk()
    changed["blocks"].append(transform("further"))
    changed["connections"].append(link("further", "desk"))
    change_draft(caller=SYSTEM, design=local, document={**changed, "model": "offline:stand-in"})
    publish_design(design=local, caller=SYSTEM)
    with pytest.raises(PartInvalid) as refused:
        rerun_execution(execution=first, caller=SYSTEM, newest=True)
    assert "'further'" in str(refused.value.errors)


def test_retention_removes_what_was_given(local: Design) -> None:
    first = failed(part_of(local))
    remove_payloads([first.pk])
    first.refresh_from_db()
    assert (first.given_outputs, first.only_block) == (None, "desk")
    with pytest.raises(NotResumable):
        rerun_execution(execution=first, caller=SYSTEM)
    with pytest.raises(RunUnknown) as refused:
        try_design(
            design=local, input_data=None, caller=SYSTEM, only="after",
            from_execution=first.public_id,
        )  # fmt: skip
    assert str(refused.value).startswith("Retention")


def test_the_history_says_that_it_was_a_part(
    local: Design, designer: User, viewer: User, browser_of: Callable[[User], Client]
) -> None:
    execution = failed(part_of(local))
    listed = browser_of(designer).get("/executions/").content.decode()
    assert "Only the block Billing desk" in listed
    page = browser_of(designer).get(f"/executions/{execution.pk}/").content.decode()
    assert "only the block Billing desk" in page
    assert "what came before" in page
    assert 'id="row-desk"' in page
    assert 'id="row-after"' not in page
    hidden = browser_of(viewer).get(f"/executions/{execution.pk}/").content.decode()
    assert "what came before" not in hidden
