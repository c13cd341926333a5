"""The page on designs: its examples are right, and it names every pattern and every setting."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from designs.patterns.catalogue import PALETTE, check_document

PAGE = (Path(__file__).parents[2] / "docs" / "designs.md").read_text(encoding="utf-8")
EXAMPLES = [json.loads(found) for found in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def document(example):
    """Some examples are whole documents, some a block."""
    return example if "blocks" in example else {"schema": 1, "name": "x", "blocks": [example]}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_can_be_run(example):
    assert check_document(document(example)).problems == ()


def test_there_is_an_example_of_every_pattern():
    shown = {block["type"] for example in EXAMPLES for block in document(example)["blocks"]}

    assert shown == set(PALETTE)


@pytest.mark.parametrize("pattern", PALETTE.values(), ids=PALETTE)
def test_every_setting_and_its_default_stand_in_the_patterns_part(pattern):
    part = PAGE.split(f"## {pattern.label}\n")[1].split("\n## ")[0]

    for name, info in pattern.settings_type.model_fields.items():
        assert f"`{name}`" in part
        value = info.get_default(call_default_factory=True)
        if info.is_required() or value is None or pattern.type == "transform":
            continue
        default = re.escape(value if isinstance(value, str) else json.dumps(value))
        assert re.search(rf"\| `{name}` \| `?{default}`? \|", part), name


@pytest.mark.parametrize("pattern", PALETTE.values(), ids=PALETTE)
def test_roles_a_pattern_does_not_allow_are_told(pattern):
    part = PAGE.split(f"## {pattern.label}\n")[1].split("\n## ")[0]

    if pattern.roles and len(pattern.roles) < 5:
        assert "Roles: " in part


@pytest.mark.parametrize("pattern", PALETTE.values(), ids=PALETTE)
def test_every_setting_is_described_for_forms(pattern):
    for info in pattern.settings_type.model_fields.values():
        assert info.description
        assert info.description.endswith(".")
