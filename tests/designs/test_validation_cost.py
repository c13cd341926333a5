"""Hints and bounds cost little beside the check of a large design, also of one full of errors."""

from __future__ import annotations

import pytest

from designs.patterns.catalogue import check_document
from designs.validation import ModelFact, validate
from tests.counting import calls_of
from tests.graphs import Json, agent, asking, chain, design, link

BLOCKS = 200


class Models:
    def default_models(self) -> tuple[str, ...]:
        return ("some:model",)

    def fact(self, name: str) -> ModelFact:
        return ModelFact()


@pytest.fixture(autouse=True)
def _models(settings):
    settings.MODEL_FACTS = f"{__name__}.Models"


def large() -> Json:
    """As large as a design may be: everything reads something, one block in ten is a router."""
    before = [f" with {{{{ blocks.b{n - 1}.output }}}}" if n else "" for n in range(BLOCKS)]
    blocks = [
        asking(f"b{n}", agent("x", system_prompt="You read {{ input.a }}."), agent("y"),
               task=f"Do {{{{ input.a }}}}{before[n]}.",
               kind="sequential" if n % 10 else "routing")
        for n in range(BLOCKS)
    ]  # fmt: skip
    ways = chain(*(block["id"] for block in blocks))
    ways += [link(f"b{n}", f"b{n + 2}") for n in range(0, BLOCKS - 2, 2)]
    return design(blocks, ways, input_schema={"type": "object", "properties": {"a": {}}})


def test_a_design_without_problems():
    document = large()
    assert validate(document).checked.graph is not None

    check, _ = calls_of(lambda: check_document(document))
    whole, found = calls_of(lambda: validate(document))

    assert found.bound is not None
    assert found.bound.calls == BLOCKS * 2
    assert whole < 1.5 * check


def test_a_design_full_of_errors():
    sound, broken = large(), large()
    for block in broken["blocks"][:150]:
        block["retris"] = 3
        block["task"] = block["task"].replace("input", "inptu")
    check_document(sound)

    check, _ = calls_of(lambda: check_document(sound))
    errors, found = calls_of(lambda: validate(broken))

    assert len(found.problems) >= BLOCKS
    assert errors < 3 * check


def test_mendings_are_sought_for_what_is_reported_alone():
    agents = [agent(f"a{n}") for n in range(50)]
    wrong = [{**one, "role": "reflector"} for one in agents]
    sound, broken = (
        design([asking(f"b{n}", *members, kind="routing") for n in range(BLOCKS)])
        for members in (agents, wrong)
    )
    check_document(sound)

    check, _ = calls_of(lambda: check_document(sound))
    errors, found = calls_of(lambda: check_document(broken))

    assert len(found.problems) >= BLOCKS
    assert errors < 3 * check
