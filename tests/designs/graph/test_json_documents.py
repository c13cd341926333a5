"""Files and bodies as documents: bad JSON is a problem like any other."""

from __future__ import annotations

import json

import pytest

from designs.graph.spec import MAX_BYTES
from designs.patterns.catalogue import PALETTE, document_schema, parse_json_document
from tests.graphs import asking, chain, design, transform


def only_message(data: bytes) -> str:
    checked = parse_json_document(data)
    assert checked.graph is None
    assert [problem.path for problem in checked.problems] == [""]
    return checked.problems[0].message


def test_a_good_file() -> None:
    raw = design([asking("a"), transform("b", "incoming")], chain("a", "b"))
    for data in (json.dumps(raw).encode(), b"\xef\xbb\xbf" + json.dumps(raw, indent=2).encode()):
        checked = parse_json_document(data)
        assert checked.problems == ()
        assert checked.graph is not None
        assert len(checked.graph.blocks) == 2


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This is not JSON: Expecting value at line 1, column 1."),
        (b'{\n "name": }', "This is not JSON: Expecting value at line 2, column 10."),
        (b'{"name": "a"} x', "This is not JSON: Extra data at line 1, column 15."),
        (b'{"name": "\xff"}', "The file is not UTF-8 text: byte 11 cannot be read."),
        (b'{"name": "a", "name": "b"}', "The key 'name' stands twice in one object."),
        (b'{"a": {"b": 1, "b": 2}}', "The key 'b' stands twice in one object."),
        (b"[" * 200_000, "The file is nested too deep for a design."),
        (b'{"a": ' + b"1" * 5_000 + b"}", "A number in the file is too long."),
        (b" " * (2 * MAX_BYTES + 1), "The file is larger than a design may be (1 MiB)."),
        (b'"text"', "A design is an object with `name` and `blocks`."),
    ],
)
def test_what_is_no_document(data: bytes, sentence: str) -> None:
    assert only_message(data).startswith(sentence)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", "-1e999"])
def test_numbers_that_json_does_not_have(text: str) -> None:
    checked = parse_json_document(b'{"name": "a", "blocks": [%s]}' % text.encode())
    assert [problem.path for problem in checked.problems] == ["/blocks/0"]
    assert "Write a finite number." in checked.problems[0].message


@pytest.mark.parametrize("text", ['"\\u0000"', '"\\ud800"', '"\\udc00x"'])
def test_text_that_cannot_be_stored(text: str) -> None:
    for data, path in ((f'{{"name": {text}}}', "/name"), (f"{{{text}: 1}}", "")):
        checked = parse_json_document(data.encode())
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
    told = document_schema()["$defs"]["Block"]["properties"]["retries"]["description"]
    assert "Retry-After" in told
    assert "60 times and 10 minutes" in told
