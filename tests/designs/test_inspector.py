"""The inspector is made from the types: each field has one control that can be bound and read."""

from __future__ import annotations

import json
from typing import Literal

import pytest
from django.template.loader import render_to_string
from pydantic import Field

from designs.graph.labels import KEY
from designs.graph.spec import Block
from designs.inspector.templates import inspector_templates, inspectors, render_inspectors
from designs.patterns.base import BlockOutput, Pattern, Settings
from designs.patterns.catalogue import PALETTE
from tests.designs.inspector_pages import read_templates

PAGE = render_to_string("designs/_inspector_templates.html", inspector_templates())
FOUND = read_templates(PAGE)
SHARED = ("agent", "connection", "design")
KINDS = {
    "text", "longtext", "template", "expression", "number", "integer", "boolean", "choice",
    "choice-or-integer", "model", "models", "json", "id", "either", "tools",
}  # fmt: skip


@pytest.fixture(params=FOUND)
def found(request):
    return FOUND[request.param]


def test_there_is_one_for_every_pattern_and_part():
    assert list(FOUND) == [*PALETTE, *SHARED]


def _is_hidden(info):
    return (info.json_schema_extra or {}).get(KEY, {}).get("kind") == "hidden"


@pytest.mark.parametrize("kind", PALETTE)
def test_every_setting_and_every_useful_field_has_its_control(kind):
    pattern, found = PALETTE[kind], FOUND[kind]
    hidden = {"type", "settings", "position", "agents", *pattern.unused_fields}
    wanted = {f"/{name}" for name in Block.model_fields if name not in hidden}
    settings = pattern.settings_type.model_fields
    shown = {name for name, info in settings.items() if not _is_hidden(info)}
    wanted |= {f"/settings/{name}" for name in shown}

    assert set(found.pointers) - {"/settings"} == wanted
    slots = {given["data-slot"] for given in found.having("data-slot")}
    assert slots - {"agents"} == {"connections-in", "connections-out", "last-try"}
    assert ("agents" in slots) is (pattern.max_agents > 0)


def test_controls_can_be_bound_and_are_labelled(found):
    ids = [given["id"] for given in found.having("id")]
    labels = {given["for"] for given in found.having("for")}
    described = set(ids)

    assert len(set(ids)) == len(ids)
    assert all(value.startswith("__id__-") for value in ids)
    assert labels <= described
    for tag, given in found.elements:
        if "data-pointer" not in given:
            continue
        assert given["data-kind"] in KINDS
        json.loads(given["data-default"])
        assert given["data-empty"] in ("remove", "")
        assert set(given["aria-describedby"].split()) <= described
        if tag == "div":
            assert given.get("aria-labelledby") in described or given["aria-label"]
        else:
            assert given["id"] in labels


def test_each_field_has_a_place_for_its_error(found):
    fields = [given["data-field"] for given in found.having("data-field")]

    assert set(fields) == set(found.pointers)
    errors = [g for tag, g in found.elements if tag == "p" and g["class"] == "error"]
    assert len(errors) == len(fields)
    assert all("hidden" in given for given in errors)


def test_no_style_no_script_and_no_word_of_the_machine(found):
    assert not found.having("style")
    assert not any(name.startswith("on") for _, given in found.elements for name in given)
    assert not any(tag == "script" for tag, _ in found.elements)
    assert not any("JMESPath" in text and "`" in text for text in found.texts)
    assert "" not in found.texts


def test_the_words_of_the_pattern():
    sequential = FOUND["sequential"]

    assert {"An agent sees", "the answer before its own", "all answers"} <= set(sequential.texts)
    assert sequential.control("/settings/context")["role"] == "radiogroup"
    assert sequential.control("/settings/context")["data-default"] == '"last"'
    assert FOUND["debate"].control("/settings/rounds")["max"] == "10"
    assert FOUND["debate"].control("/settings/rounds")["placeholder"] == "3"


def test_what_means_something_only_sometimes_says_when():
    def when(kind, pointer):
        fields = FOUND[kind].having("data-field")
        return next(g.get("data-when") for g in fields if g["data-field"] == pointer)

    assert when("sequential", "/default") == "/on_error=default"
    assert when("routing", "/settings/max_routes") == "/settings/mode=multi"
    assert when("reflection", "/settings/patience") == "/settings/mode=refine"
    assert when("transform", "/settings/template") == "/settings/template"
    assert when("sequential", "/label") is None


def test_a_union_a_chain_of_models_and_one_of_two_fields():
    require = FOUND["parallel"].control("/settings/require")
    number = next(g for g in FOUND["parallel"].having("data-part") if g["data-part"] == "number")
    first, rest = (FOUND["agent"].control("/model", part) for part in ("first", "rest"))
    either = FOUND["transform"].control("/settings")

    assert (require["data-kind"], require["data-default"]) == ("choice-or-integer", '"all"')
    assert (number["type"], number["min"]) == ("number", "1")
    assert (first["data-kind"], rest["data-kind"]) == ("model", "models")
    assert either["data-kind"] == "either"
    values = [g["value"] for g in FOUND["transform"].having("name") if "-settings" in g["name"]]
    assert values == ["expression", "template"]


def test_choices_that_the_draft_knows():
    options = {
        name: {g["data-pointer"]: g["data-options"] for g in FOUND[name].having("data-options")}
        for name in ("agent", "connection", "routing", "design")
    }

    assert options["agent"] == {"/role": "roles", "/model": "models"}
    assert options["connection"] == {
        "/source": "blocks", "/target": "blocks", "/source_agent": "agents",
        "/target_agent": "agents", "/route": "routes",
    }  # fmt: skip
    assert options["routing"] == {"/settings/default_route": "routes"}
    assert options["design"] == {"/model": "models"}
    assert FOUND["design"].control("/output")["data-also"] == "template"


class NoteSettings(Settings):
    """Settings with every type that pydantic has a plain word for, and no words of their own."""

    title: str = Field(max_length=50)
    body: str = "<b>none</b>"
    level: int = Field(default=3, ge=1, le=5)
    share: float | None = Field(default=None, ge=0, lt=1)
    is_loud: bool = False
    shade: Literal["red", "green", "blue", "black"] = "red"
    size: Literal["small", "large"] | None = None
    most: Literal["none"] | int = "none"
    tags: list[str] = Field(default_factory=list, description='Words <i>and</i> "quotes".')
    either: int | str | None = None


class Note(Pattern[NoteSettings]):
    type = "note"
    label = "Note"
    summary = "A pattern nobody has made yet."
    settings_type = NoteSettings
    unused_fields = frozenset({"retries"})

    def most_calls(self, block, settings):
        return ()

    async def run(self, block, settings, context):
        return BlockOutput("")


def test_a_new_pattern_needs_nothing_more():
    html = render_inspectors(inspectors([Note()]))
    note = read_templates(html)["note"]

    kinds = {g["data-pointer"]: g["data-kind"] for g in note.having("data-pointer")}
    settings = {name[10:]: kind for name, kind in kinds.items() if name.startswith("/settings/")}
    assert settings == {
        "title": "text", "body": "longtext", "level": "integer", "share": "number",
        "is_loud": "boolean", "shade": "choice", "size": "choice", "most": "choice-or-integer",
        "tags": "json", "either": "json",
    }  # fmt: skip
    assert "/retries" not in kinds
    assert note.control("/settings/level")["max"] == "5"
    assert note.control("/settings/title")["data-empty"] == ""
    assert {"Is Loud", "Shade", "red", "not set"} <= set(note.texts)
    assert "<i>" not in html
    assert "<b>" not in html
