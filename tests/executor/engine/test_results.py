"""Results of runs: the terminal block's output, several outputs, or the design's `output`."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.limits import Limits
from tests.executor.engine.stage import play
from tests.graphs import asking, design, link, transform

THREE = [transform("a", "'A'"), transform("b", "'B'"), transform("c", "incoming || 'C'")]


async def test_one_terminal_block() -> None:
    raw = design([transform("a", "{x: `1`}"), transform("b", "incoming.x")], [link("a", "b")])
    assert (await play(raw)).result == 1


async def test_several_terminal_blocks_in_the_documents_order() -> None:
    played = await play(design(THREE, [link("a", "c")]))
    assert played.result == {"b": "B", "c": "A"}
    assert list(played.result) == ["b", "c"]


async def test_of_several_terminal_blocks_those_that_were_reached() -> None:
    raw = design(THREE, [link("a", "b", when="input.x"), link("a", "c", when="!(input.x)")])
    assert (await play(raw, given={"x": True})).result == {"b": "B"}
    assert (await play(raw, given={"x": False})).result == {"c": "A"}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("blocks.a.output", "A"),
        ("{first: blocks.a.output, all: blocks.*.output}", {"first": "A", "all": ["A", "B", "A"]}),
        ("blocks.c.output || 'nothing'", "A"),
        ("input.n", 7),
        ("blocks.a.output.missing", None),
        ("{{ blocks.a.output }}", "A"),
        ("{{ input.n }}", 7),
        ("{{ blocks.a.output }} of {{ execution.id }}", "A of run"),
        ("  ", {"b": "B", "c": "A"}),
        ("", {"b": "B", "c": "A"}),
    ],
)
async def test_output_shapes_the_result(output: str, expected: Any) -> None:
    raw = design(THREE, [link("a", "c")], output=output)
    assert (await play(raw, given={"n": 7})).result == expected


async def test_output_sees_skipped_blocks_as_missing() -> None:
    raw = design(
        [transform("a"), transform("b", "incoming")], [link("a", "b", when="input.x")],
        output="{b: blocks.b.output || 'skipped'}",
    )  # fmt: skip
    assert (await play(raw)).result == {"b": "skipped"}


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "length(input.n)",
            "The design's output could not be computed: `length(input.n)` has no value",
        ),
        (
            "{{ input.gone }}",
            "The design's output could not be computed: `input.gone` has no value here",
        ),
    ],
)
async def test_an_output_that_cannot_be_made_fails_the_run(output: str, sentence: str) -> None:
    kind, message = (await play(design(THREE, output=output), given={"n": 7})).error
    assert kind == "expression"
    assert message.startswith(sentence)


async def test_a_result_that_is_too_large_fails_the_run() -> None:
    raw = design([transform("a", "input.text")])
    text = "é" * 1_000
    limits = Limits(output_bytes=2_002)
    assert (await play(raw, given={"text": text}, limits=limits)).result == text
    played = await play(raw, given={"text": f"{text}e"}, limits=limits)
    assert played.error == ("limit", "The result has 2003 bytes; the limit is 2002.")
    assert (await play(raw, given={"text": text}, limits=Limits(output_bytes=None))).result == text


@pytest.mark.parametrize(
    "value", [None, False, 0, "", [], {}, 2**63 - 1, 1e30, "\ud800", [1.5, {"ä": "\u2028"}]]
)
async def test_any_json_can_be_handed_through(value: Any) -> None:
    raw = design([transform("a", "[input.v]")], output="blocks.a.output[0]")
    assert (await play(raw, given={"v": value})).result == value


@pytest.mark.parametrize(
    "settings", [{"expression": "input.gone"}, {"template": "{{ input.gone }}"}]
)
async def test_a_transform_without_a_value_fails(settings: dict[str, str]) -> None:
    raw = design([{**transform("a"), "settings": settings, "label": "Pick"}])
    kind, message = (await play(raw)).error
    assert kind == "expression"
    assert message.startswith(
        "Block 'Pick': `input.gone` has no value here: it is missing or null."
    )


async def test_a_task_that_reads_what_is_missing_fails_before_any_call() -> None:
    played = await play(design([asking("a", task="Read {{ input.page.text }}.")]), given={})
    kind, message = played.error
    assert kind == "expression"
    assert "Block 'a': `input.page.text` has no value here" in message
    assert played.stage.calls == []
