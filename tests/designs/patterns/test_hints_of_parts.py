"""Hints at agents, models, outputs and fields; the samples have none."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from designs.graph.spec import Problem
from designs.patterns.catalogue import check_document
from designs.patterns.hints import MAX_HINTS, NOTHING_TO_DO, hints
from designs.sample_files import Sample, load_samples
from tests.graphs import Json, agent, asking, chain, design, link, transform
from tests.json_patch import patched

HOSTED = "openai:gpt-5-mini"


def found(raw: Json, *fallbacks: str) -> list[Problem]:
    checked = check_document(raw)
    assert checked.graph is not None, checked.problems
    return list(hints(checked.graph, lambda name: name.startswith("openai:"), fallbacks))


def only(raw: Json, *fallbacks: str) -> Problem:
    (hint,) = found(raw, *fallbacks)
    return hint


@pytest.mark.parametrize("sample", load_samples(), ids=lambda sample: sample.slug)
def test_samples_are_as_intended(sample: Sample) -> None:
    assert found(sample.document) == []


# --- Models ---------------------------------------------------------------------------------------


def test_a_hosted_model_alone_is_told_where_it_is_named() -> None:
    own = design([asking("a", agent("x", model=HOSTED), "y")])

    assert only(own).path == "/blocks/0/agents/0/model"
    assert only(design([asking("a", "x", "y")], model=HOSTED)).path == "/model"
    assert found(design([asking("a")], model=[HOSTED, "local:smollm2"])) == []
    assert found(design([asking("a")], model="local:smollm2")) == []
    assert found(design([asking("a")])) == []
    # Nobody asks the design's model.
    everyone = design([asking("a", agent("x", model="local:smollm2"))], model=HOSTED)
    assert found(everyone) == []


def test_the_installation_may_have_one_that_stands_in() -> None:
    document = design([asking("a")], model=HOSTED)
    hint = only(document, HOSTED, "vllm:large")

    assert hint.fix is not None
    mended = patched(document, hint.fix.patch)
    assert mended["model"] == [HOSTED, "vllm:large"]
    assert found(mended) == []
    assert only(document, HOSTED).fix is None


# --- Agents ---------------------------------------------------------------------------------------


def test_an_agent_that_nobody_tells_what_to_do() -> None:
    document = design([asking("a", agent("x", system_prompt="  "), task="")])

    assert only(document) == Problem("/blocks/0/agents/0/system_prompt", NOTHING_TO_DO)
    assert found(design([asking("a", "x", task="Do it.")])) == []


def test_members_with_the_same_prompt() -> None:
    team = [agent("x", system_prompt="Think."), agent("y", system_prompt="Think. ")]

    hint = only(design([asking("a", *team, kind="parallel")]))
    assert (hint.path, hint.fix) == ("/blocks/0/agents/1/system_prompt", None)
    voting = {"aggregate": "vote"}
    assert found(design([asking("a", *team, kind="parallel", settings=voting)])) == []
    other = [team[0], {**team[1], "model": "local:smollm2"}]
    assert found(design([asking("a", *other, kind="debate")])) == []
    assert found(design([asking("a", *team)])) == []


def test_a_specialist_after_whom_nothing_follows() -> None:
    desk = asking("desk", agent("r", "moderator"), agent("one", "specialist"),
                  agent("two", "specialist"), kind="routing")  # fmt: skip
    end = asking("end")

    hint = only(design([desk, end], [link("desk", "end", route="one")]))
    assert hint.path == "/blocks/0/agents/2"
    assert "no connection has the route `two`" in hint.message
    assert found(design([desk, end], [link("desk", "end")])) == []
    both = [link("desk", "end", route="one"), {**link("desk", "end", route="two"), "id": "c"}]
    assert found(design([desk, end], both)) == []
    assert found(design([desk])) == []


# --- Outputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "more", "unused"),
    [
        (transform("b", "`1`"), {}, ["/blocks/0"]),
        (transform("b", "incoming"), {}, []),
        (transform("b", "blocks.a.output"), {}, []),
        (transform("b", "blocks"), {}, []),
        (asking("b"), {}, []),
        (asking("b"), {"output": "blocks.a.output"}, ["/blocks/1"]),
        (asking("b"), {"output": "blocks.b.output"}, []),
    ],
)
def test_an_output_that_nothing_uses(last: Json, more: Json, unused: list[str]) -> None:
    document = design([asking("a"), last], chain("a", "b"), **more)

    assert [hint.path for hint in found(document)] == unused


def test_conditions_routes_and_reviews_use_outputs() -> None:
    blocks = [asking("a"), transform("b", "`1`")]
    assert found(design(blocks, [link("a", "b", when="incoming == 'x'")])) == []
    router = asking("a", agent("r", "moderator"), kind="routing")
    assert found(design([router, blocks[1]], [link("a", "b")])) == []
    review = asking("c", "r", kind="reflection", settings={"mode": "review_design"})
    assert found(design([*blocks, review], chain("a", "b", "c"))) == []


# --- Fields ---------------------------------------------------------------------------------------

FIELDS: Json = {"type": "object", "properties": {"customer": {}, "message": {}}}


@pytest.mark.parametrize("where", ["task", "expression", "when", "output"])
def test_a_field_that_the_input_has_not(where: str) -> None:
    expression = "input.custmer || input.message"
    task = f"{{{{ {expression} }}}}" if where == "task" else "Do it."
    value = f"[incoming, {expression}]" if where == "expression" else "incoming"
    blocks = [asking("a", task=task), transform("b", value)]
    way = link("a", "b", **({"when": expression} if where == "when" else {}))
    more = {"output": f"[blocks.b, {expression}]"} if where == "output" else {}
    document = design(blocks, [way], input_schema=FIELDS, **more)
    before = copy.deepcopy(document)

    hint = only(document)

    assert "Did you mean `customer`?" in hint.message
    assert hint.fix is not None
    assert hint.fix.label == "Use `customer`"
    assert found(patched(document, hint.fix.patch)) == []
    assert document == before


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "object"},
        {**FIELDS, "additionalProperties": True},
        {**FIELDS, "additionalProperties": {"type": "string"}},
        {**FIELDS, "patternProperties": {"^x": {}}},
        {**FIELDS, "allOf": [{"properties": {"custmer": {}}}]},
    ],
)
def test_an_input_that_may_have_other_fields(schema: Any) -> None:
    assert found(design([asking("a", task="{{ input.custmer }}")], input_schema=schema)) == []


@pytest.mark.parametrize(
    ("block", "read", "sentence"),
    [
        (asking("a"), "blocks.a.output.title", "is a text"),
        (asking("a", "x", "y", kind="parallel"), "blocks.a.output.z", "`x`, `y`"),
        (asking("a", "x", "y", kind="parallel"), "blocks.a.output.x", None),
        (asking("a", on_error="default", default={"title": 1}), "blocks.a.output.title", None),
        (transform("a"), "blocks.a.output.title", None),
    ],
)
def test_a_field_that_an_output_has_not(block: Json, read: str, sentence: str | None) -> None:
    hinted = found(design([block, transform("b", read)], chain("a", "b")))

    assert [hint.path for hint in hinted] == (["/blocks/1/settings/expression"] if sentence else [])
    assert all(str(sentence) in hint.message for hint in hinted)


def test_hints_are_not_without_end() -> None:
    blocks = [asking(f"b{n}", *(agent(f"a{k}") for k in range(50)), task="") for n in range(20)]

    assert len(found(design(blocks))) == MAX_HINTS
