"""The published schema of documents, and values that no document may hold."""

from __future__ import annotations

import json

import pytest

from designs.patterns.catalogue import PALETTE, check_document, document_schema


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "-1e999"])
def test_numbers_that_json_does_not_have(text: str) -> None:
    checked = check_document(json.loads(f'{{"name": "a", "blocks": [{text}]}}'))
    assert [problem.path for problem in checked.problems] == ["/blocks/0"]
    assert "Write a finite number." in checked.problems[0].message


@pytest.mark.parametrize("text", ['"\\u0000"', '"\\ud800"', '"\\udc00x"'])
def test_text_that_cannot_be_stored(text: str) -> None:
    for data, path in ((f'{{"name": {text}}}', "/name"), (f"{{{text}: 1}}", "")):
        checked = check_document(json.loads(data))
        assert [problem.path for problem in checked.problems] == [path]
        assert "cannot be stored" in checked.problems[0].message or (
            "can be stored" in checked.problems[0].message
        )


def test_the_published_schema_knows_every_block_type() -> None:
    schema = document_schema()
    assert schema["$defs"]["Block"]["properties"]["type"]["enum"] == list(PALETTE)
    assert schema["properties"]["schema"]["const"] == 1
    assert schema["$defs"]["Block"]["additionalProperties"] is False
    json.dumps(schema)


def test_the_schema_says_how_rate_limits_are_waited_for() -> None:
    description = document_schema()["$defs"]["Block"]["properties"]["retries"]["description"]
    assert "Retry-After" in description
    assert "60 times and 10 minutes" in description
