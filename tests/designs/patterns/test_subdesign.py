"""Subdesign: another design as a part of the run, with its own input, result and rules."""

from __future__ import annotations

from designs.patterns.catalogue import check_document
from executor.engine.runner import compile_graph
from tests.graphs import link, transform
from tests.scripted import DOWN, agent, block, design, play, problems_of

INNER = design(
    block("sequential", agent("ana"), id="answer", label="Answer"),
    name="Translate",
    input_schema={"type": "object", "required": ["text"]},
    output_schema={"type": "string", "maxLength": 40},
)


def sub(**more):
    settings = {"path": "/translate", "input": "{text: input.message}"}
    return {"id": "sub", "type": "subdesign", "label": "Sub", "settings": settings, **more}


def compiled(document):
    checked = check_document(document)
    assert checked.graph is not None, checked.problems
    return compile_graph(checked.graph)


async def played(document=None, script=None, *, inner=INNER, given=None, **more):
    nested = {"/translate": compiled(inner)}
    document = document or design(sub())
    return await play(document, script, given=given or {"message": "hi"}, nested=nested, **more)


async def test_its_result_is_the_output():
    run = await played()

    assert run.result == "sub>answer/ana/1/answer"
    assert list(run.steps) == ["sub>answer/ana/1/answer"]
    assert run.steps["sub>answer/ana/1/answer"].block_id == "sub>answer"
    assert run.outcome.block_outputs == {"sub": run.result}


async def test_without_connections_it_gets_the_runs_input():
    inner = design(transform("echo", "input"))

    run = await played(design(sub(settings={"path": "/translate"})), inner=inner)

    assert run.result == {"message": "hi"}


async def test_it_sees_nothing_of_the_design_around_it():
    inner = design(transform("look", "{mine: input, others: blocks}"))
    document = design(transform("first", "'secret'"), sub(), connections=[link("first", "sub")])

    run = await played(document, inner=inner)

    assert run.result == {"mine": {"text": "hi"}, "others": {}}


async def test_input_and_result_must_fit_its_schemas():
    no_input = await played(design(sub(settings={"path": "/translate", "input": "{x: `1`}"})))
    no_object = await played(design(sub(settings={"path": "/translate", "input": "'hi'"})))
    too_long = await played(script={"answer": "x" * 41})

    assert no_input.outcome.error.kind == "input"
    assert no_input.model.calls == []
    assert "Block 'Sub', in 'Translate': its input does not fit" in no_input.outcome.error.message
    assert "its input must be an object" in no_object.outcome.error.message
    assert too_long.outcome.error.kind == "output"


async def test_a_failure_inside_fails_the_block_and_its_on_error_applies():
    failed = await played(script={"answer": DOWN})
    default = await played(design(sub(on_error="default", default="?")), {"answer": DOWN})

    assert failed.outcome.error.message == (
        "Block 'Sub', in 'Translate': Block 'Answer': agent 'ana' got no answer: the model is down."
    )
    assert failed.outcome.error.block_type == "sequential"
    assert failed.outcome.error.block_id == "sub"
    assert default.result == "?"


async def test_what_degrades_it_degrades_the_run():
    inner = design({**INNER["blocks"][0], "on_error": "continue"}, transform("end", "'ok'"))

    run = await played(script={"answer": DOWN}, inner=inner)

    assert run.outcome.degraded[0].startswith("Sub, in 'Scripted': Block 'Answer': agent 'ana'")


async def test_a_design_that_is_gone_fails_the_block_with_a_sentence():
    run = await play(design(sub()), given={"message": "hi"})

    assert run.outcome.error.kind == "nested"
    assert "what is deployed at /translate, is not there any more" in run.outcome.error.message


def test_its_rules():
    nothing = design(sub(settings={}))
    both = design(sub(settings={"path": "/a", "version": 1, "design_id": "0" * 8}))
    task = design(sub(task="Do it."))

    assert "Say what the subdesign plays" in problems_of(nothing)["/blocks/0/settings"]
    assert "/blocks/0/settings/design_id" in problems_of(both)
    assert set(problems_of(task)) == {"/blocks/0/task"}
