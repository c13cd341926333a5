"""Files in our own layout: they pass as they are, ids are followed everywhere, text is stable."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.files import design_text, read_design_file, read_designs
from designs.graph.renaming import renamed_expression, renamed_template
from tests.documents import cyclic, doubling, greeting

NAMES = {"blocks": {"block-1": "block_1", "B": "b"}, "incoming": {"B": "b"}}


@pytest.mark.parametrize("document", [doubling(), greeting(), cyclic()])
def test_our_document_passes_unchanged(document: dict[str, Any]) -> None:
    (design,) = read_designs(document).designs
    assert design.document is document
    assert design.warnings == ()


def test_an_unfinished_draft_passes_too() -> None:
    for document in (
        {"schema": 1, "name": "Empty", "blocks": []},
        {"schema": 1, "name": "Odd", "blocks": [{"id": "a", "type": "unheard", "colour": 1}]},
        {"name": "No schema", "blocks": [{"id": "a", "type": "parallel", "agents": []}]},
    ):
        (design,) = read_designs(document).designs
        assert design.document == document


def test_new_ids_are_followed_wherever_they_are_named() -> None:
    agents = [{"id": "Ada", "system_prompt": 'See {{ blocks."block-1".output }}.'}, {"id": "bob"}]
    document = {
        "schema": 1,
        "name": "Ids",
        "blocks": [
            {"id": "block-1", "type": "transform", "settings": {"expression": "input"}},
            {"id": "B", "type": "routing", "agents": agents, "settings": {"default_route": "Ada"}},
            {
                "id": "c",
                "type": "transform",
                "settings": {"template": '{{ incoming."block-1" }} and {{ blocks.B.output }}'},
            },
        ],
        "connections": [
            {"id": "1", "source": "block-1", "target": "c"},
            {"id": "two", "source": "B", "source_agent": "Ada", "target": "c", "when": "blocks.B"},
            {"id": "three", "source": "B", "target": "c", "route": "Ada"},
            {"id": "four", "source": "B", "target": "block-1", "route": "block-1"},
        ],
        "output": 'blocks."block-1".output',
    }
    (design,) = read_designs(document).designs
    first, second, third = design.document["blocks"]
    assert [first["id"], second["id"], third["id"]] == ["block_1", "b", "c"]
    assert second["agents"][0] == {
        "id": "ada", "system_prompt": "See {{ blocks.block_1.output }}.",
    }  # fmt: skip
    assert second["settings"] == {"default_route": "ada"}
    assert third["settings"] == {"template": "{{ incoming.block_1 }} and {{ blocks.b.output }}"}
    assert design.document["connections"] == [
        {"id": "connection_1", "source": "block_1", "target": "c"},
        {"id": "two", "source": "b", "source_agent": "ada", "target": "c", "when": "blocks.b"},
        {"id": "three", "source": "b", "target": "c", "route": "ada"},
        {"id": "four", "source": "b", "target": "block_1", "route": "block_1"},
    ]
    assert design.document["output"] == "blocks.block_1.output"
    assert {warning.path for warning in design.warnings} == {
        "/blocks/0/id", "/blocks/1/id", "/blocks/1/agents/0/id", "/connections/0/id",
    }  # fmt: skip
    assert document["blocks"][0]["id"] == "block-1"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('blocks."block-1".output', "blocks.block_1.output"),
        ('"blocks" . "block-1" . output', '"blocks" . block_1 . output'),
        ("blocks.B.output || blocks.B", "blocks.b.output || blocks.b"),
        ("max([blocks.B, incoming.B])", "max([blocks.b, incoming.b])"),
        ("input.blocks.B", "input.blocks.B"),
        ("blocks.C.B", "blocks.C.B"),
        ("'blocks.B'", "'blocks.B'"),
        ('`{"blocks": {"B": 1}}`', '`{"blocks": {"B": 1}}`'),
        ("blocks.B.", "blocks.b."),
        ("blocks.B '", "blocks.B '"),
    ],
)
def test_names_in_expressions(old: str, new: str) -> None:
    assert renamed_expression(old, NAMES) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("blocks.B", "blocks.B"),
        ("{{blocks.B}} {{  blocks.B  }}", "{{blocks.b}} {{  blocks.b  }}"),
        ("\\{{ blocks.B }} {{ blocks.B }}", "\\{{ blocks.B }} {{ blocks.b }}"),
        ("{{ {a: blocks.B}.a }}", "{{ {a: blocks.b}.a }}"),
        ("{{ blocks.B", "{{ blocks.B"),
    ],
)
def test_names_in_templates(old: str, new: str) -> None:
    assert renamed_template(old, NAMES) == new


@given(st.randoms(use_true_random=False), st.sampled_from([doubling(), greeting(), cyclic()]))
def test_the_text_does_not_depend_on_the_order_of_keys(random: Any, document: Any) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(item) for item in value]
        if not isinstance(value, dict):
            return value
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    text = design_text(document)
    assert design_text(shuffled(document)) == text
    assert json.loads(text) == document
    (again,) = read_design_file(text.encode()).designs
    assert again.document == document


def test_a_file_may_begin_with_a_byte_order_mark() -> None:
    text = design_text(doubling())
    (design,) = read_design_file(text.encode("utf-8-sig")).designs
    assert design.document == doubling()


def test_numbers_are_written_as_every_database_keeps_them() -> None:
    settings = {"large": 1e22, "none": -0.0, "half": 0.5, "whole": 7}
    document = {"schema": 1, "name": "N", "blocks": [{"id": "a", "settings": settings}]}
    text = design_text(document)
    settings["large"] = 10**22
    assert design_text(document) == text
    assert json.loads(text)["blocks"][0]["settings"]["none"] == 0.0
    assert "-0.0" not in text
