"""The stand-in's answers in forms that authors give, patterns of texts included."""

from __future__ import annotations

import re
from typing import Any

import pytest

from designs.patterns.base import Part
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.invention import invent
from executor.engine.llm.pattern_text import text_for
from executor.engine.llm.structured import problems


@pytest.mark.parametrize(
    "pattern",
    [
        "^[0-9]{4}$", r"^\d{4}-\d{2}$", "^[A-Z]{2}[0-9]+$", r"^\$[0-9]+\.[0-9]{2}$", "^INV-.{3}$",
        "[a-z]+@[a-z]+\\.com", "^x?[a-f0-9]{8,}$", r"^\w+ \w+$",
    ],
)  # fmt: skip
def test_simple_patterns_have_a_text(pattern: str) -> None:
    assert re.search(pattern, text_for(pattern))


@pytest.mark.parametrize("pattern", ["(a|b)c", "^(?i)x", "a{", "[^\\x00-\\x7f]", "\\", "(" * 999])
def test_others_have_none(pattern: str) -> None:
    assert text_for(pattern) == ""


def test_an_invoice_is_invented_that_fits() -> None:
    form: dict[str, Any] = {
        "type": "object",
        "properties": {
            "number": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
            "total": {"type": "number", "minimum": 3},
            "due": {"type": "string", "format": "date"},
            "rows": {
                "type": "array",
                "minItems": 2,
                "items": {
                    "type": "object",
                    "properties": {"what": {"type": "string", "maxLength": 20}},
                    "required": ["what"],
                },
            },
        },
        "required": ["number", "total", "due", "rows"],
        "additionalProperties": False,
    }
    task = Part("Task", "Read the invoice of ACME. It asks for 120 euros.")
    request = ModelRequest("x:y", "You read.", (task,), "answer", "worker", form)
    assert problems(invent(form, request), form) == []
