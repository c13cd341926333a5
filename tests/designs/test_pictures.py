"""Pictures of graphs show what can be read of any draft, and its texts as text."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.drawing import placed, read_drawing, run_order
from designs.pictures.pictograms import PICTOGRAMS, STATES
from designs.pictures.svg import graph_picture, known_picture, remembered_picture
from designs.sample_files import load_samples
from tests.graphs import asking, chain, design, link, transform

EVIL = "<script>alert(1)</script>\"'&\0\ud800"
SAMPLE = next(row.document for row in load_samples() if row.slug == "support-routing")


def drawn(document: object, **options: Any) -> ET.Element:
    """The picture, parsed as strictly as XML."""
    return ET.fromstring(graph_picture(document, **options))  # noqa: S314 (ours)


def titles(picture: ET.Element) -> list[str]:
    return [
        block.findtext("title", "") for block in picture.iter("g") if "data-block" in block.attrib
    ]


def test_it_shows_blocks_agents_and_routes() -> None:
    picture = drawn(SAMPLE)
    assert picture.get("role") == "img"
    assert picture.get("aria-label") == "Graph of Support routing: 6 blocks, 7 connections"
    assert "Billing desk, sequential, 1 agent" in titles(picture)
    texts = [text.text for text in picture.iter("text")]
    assert {"Billing desk", "Sequential", "Billing clerk", "billing"} <= set(texts)
    assert len([path for path in picture.iter("path") if "wire" in path.get("class", "")]) == 7


def test_a_thumbnail_has_labels_alone() -> None:
    texts = [text.text for text in drawn(SAMPLE, size="thumb").iter("text")]
    assert "Billing desk" in texts
    assert "Billing clerk" not in texts
    assert "billing" not in texts


def test_states_are_shown_by_class_sign_and_word() -> None:
    states = {"triage": "completed", "billing_desk": "running", "alarm": "skipped", "letter": "?"}
    picture = drawn(SAMPLE, states=states)
    assert "Which desk?, routing, 1 agent, completed" in titles(picture)
    assert "Letter, transform" in titles(picture)
    classes = [path.get("class", "").split() for path in picture.iter("path")]
    assert ["wire", "flow"] in classes
    assert ["wire", "off"] in classes
    assert any("sign-fill" in names for names in classes)


def test_changes_are_marked() -> None:
    document = design([transform(name, "1") for name in "ab"], chain("a", "b"))
    marks = {block["id"]: "added" for block in document["blocks"]}
    wires = {row["id"]: "removed" for row in document["connections"]}
    picture = graph_picture(document, marked=marks, marked_wires=wires)
    assert picture.count('class="mark"') == len(marks)
    assert picture.count('class="wire removed"') == len(wires)


def test_saved_positions_win() -> None:
    far = {**transform("b", "1"), "position": {"x": 1000, "y": -300}}
    near = {**transform("a", "1"), "position": {"x": 0, "y": 0}}
    assert placed(read_drawing(design([near, far]))).positions == {"a": (0, 0), "b": (1000, -300)}


def test_without_positions_blocks_are_placed() -> None:
    blocks = [{**transform(name, "1"), "position": {"x": 0, "y": 0}} for name in "ab"]
    positions = placed(read_drawing(design(blocks, [link("a", "b")]))).positions
    assert positions["a"][0] < positions["b"][0]


def test_a_block_without_a_position_comes_below_the_others() -> None:
    one, other, new = (transform(name, "1") for name in "abc")
    one["position"], other["position"] = {"x": 10, "y": 10}, {"x": 300, "y": 50}
    new.pop("position", None)
    positions = placed(read_drawing(design([one, new, other]))).positions
    assert positions["c"][1] > positions["b"][1] + 56


def test_blocks_are_listed_in_run_order() -> None:
    blocks = [transform(name, "1") for name in "abc"]
    assert run_order(read_drawing(design(blocks, [link("c", "b"), link("b", "a")]))) == list("cba")
    assert run_order(read_drawing(design(blocks, [link("a", "b"), link("b", "a")]))) == list("cab")


def test_texts_stay_texts() -> None:
    block = {**asking(EVIL, EVIL), "type": EVIL, "label": EVIL}
    block["agents"][0]["name"] = EVIL
    raw = design([block, transform("b", "1")], [{**link(EVIL, "b"), "when": EVIL, "route": EVIL}])
    picture = graph_picture({**raw, "name": EVIL}, states={EVIL: EVIL}, marked={EVIL: EVIL})
    assert "<script" not in picture
    assert picture.encode("utf-8")
    assert not re.search(r"\son\w+=|style=", picture)


BLOCK = {"id": "a", "agents": 3, "position": {"x": "1", "y": True}}
FAR = {"id": "a", "position": {"x": 10**400, "y": 1e308}}
SOME = {"id": "a", "agents": [1, {}], "position": {"y": 5}}
ODD: dict[str, object] = {
    "null": None,
    "number": 7,
    "list": [],
    "empty": {},
    "no blocks": {"blocks": 7},
    "no ids": {"blocks": [7, None, {}, {"id": 7}, {"id": "a"}, {"id": "a"}]},
    "no connections": {"blocks": [BLOCK], "connections": 1},
    "far": {"blocks": [FAR], "connections": [1, {}]},
    "some": {"blocks": [SOME], "connections": [{"source": "a", "target": []}]},
}


@pytest.mark.parametrize("raw", ODD.values(), ids=ODD)
def test_odd_documents_are_drawn_as_far_as_they_go(raw: object) -> None:
    for size in ("thumb", "card", "full"):
        assert graph_picture(raw, size=size)  # type: ignore[arg-type]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("id", "type", "label", "agents", "position", "x", "y", "source", "target", "route")
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.fixed_dictionaries({"blocks": JSON, "connections": JSON, "name": JSON}))
def test_no_document_is_too_odd(raw: dict[str, Any]) -> None:
    assert graph_picture(raw).encode("utf-8")


def test_the_largest_design_is_drawn() -> None:
    blocks = [transform(f"b{number}", "1") for number in range(200)]
    links = [link(f"b{a}", f"b{a + k}") for a in range(195) for k in range(1, 6)]
    assert len(titles(drawn(design(blocks, links)))) == 200


def test_a_picture_is_remembered_by_key_and_size() -> None:
    first = remembered_picture("one", SAMPLE, "thumb")
    assert remembered_picture("one", None, "thumb") == first
    assert remembered_picture("one", SAMPLE, "card") != first
    assert known_picture("one", "thumb") == first
    assert known_picture("two", "thumb") is None


def test_templates_have_tags_for_all_of_it() -> None:
    source = (
        "{% load pictures %}{% graph_picture document size='card' key='x' %}"
        "{% include 'includes/_pattern.html' with type='debate' %}"
        "{% include 'includes/_state.html' with state='timed_out' %}"
    )
    text = Template(source).render(Context({"document": SAMPLE}))
    assert '<svg class="graph size-card"' in text
    assert PICTOGRAMS["debate"] in text
    assert STATES["timed_out"][0] in text
    assert "&lt;" not in text


def test_an_id_like_that_of_a_nameless_block() -> None:
    document = {
        "blocks": [{"id": "#2"}, {"type": "debate"}, {"id": "#2", "label": "Twice"}, {"id": "##2"}],
        "connections": [{"source": "#2", "target": "##2"}, {"source": "#2", "target": "###2"}],
    }
    drawing = read_drawing(document)
    assert [block.index for block in drawing.blocks.values()] == [0, 1, 2, 3]
    assert [wire.index for wire in drawing.wires] == [0]
