"""A mending makes its problem go away and adds no other: keys, values, connections, texts."""

from __future__ import annotations

import pytest

from designs.patterns.catalogue import check_document
from tests.designs.mending import Plant, at, check_mending, sound
from tests.graphs import agent, link, transform

PLANTS: dict[str, tuple[Plant, str]] = {
    "unknown key": (lambda d: at(d, "views").update(surprise={"a": 1}), "Remove `surprise`"),
    "key with a slash": (lambda d: d.update({"a/~b": 1}), "Remove `a/~b`"),
    "very long key": (lambda d: d.update({"k" * 300: 1}), f"Remove `{'k' * 80}…`"),
    "misspelled key": (
        lambda d: at(d, "letter").update(retrys=at(d, "letter").pop("retries")),
        "Rename it to `retries`",
    ),
    "misspelled setting": (
        lambda d: at(d, "views").update(settings={"requir": 2}), "Rename it to `require`",
    ),
    "too high": (lambda d: at(d, "letter").update(retries=99), "Use `10`"),
    "too low": (lambda d: at(d, "talk").update(settings={"rounds": 0}), "Use `1`"),
    "number in quotes": (lambda d: at(d, "letter").update(retries=" 4"), "Use `4`"),
    "decimal": (lambda d: at(d, "letter").update(retries=4.0), "Use `4`"),
    "time in quotes": (lambda d: at(d, "desk").update(timeout_seconds="1.5"), "Use `1.5`"),
    "yes in quotes": (
        lambda d: at(d, "team").update(settings={"parallel": "False"}), "Use `false`",
    ),
    "misspelled choice": (lambda d: at(d, "desk").update(on_error="contineu"), "Use `continue`"),
    "doubled block": (
        lambda d: d["blocks"].append(transform("b")) or d["blocks"].append(transform("b")),
        "Rename it to `b_2`",
    ),
    "doubled agent": (
        lambda d: at(d, "views")["agents"].insert(2, agent("one")), "Rename it to `one_2`",
    ),
    "doubled id": (
        lambda d: d["connections"].append({**link("desk", "last"), "id": "desk_views"}),
        "Rename it to `desk_views_2`",
    ),
    "dangling": (lambda d: d["connections"].append(link("desk", "zzz")), "Remove this connection"),
    "dangling at both ends": (
        lambda d: d["connections"].append({**link("q", "zzz"), "source": "desk_"}),
        "Remove this connection",
    ),
    "misspelled target": (lambda d: d["connections"].append(link("desk", "taem")), "Use `team`"),
    "misspelled, but a circle": (
        lambda d: d["connections"].append(link("letter", "taem")), "Remove this connection",
    ),
    "misspelled, but the same": (
        lambda d: d["connections"].append(link("desk", "veiws")), "Remove this connection",
    ),
    "doubled connection": (
        lambda d: d["connections"].append({**link("desk", "views"), "id": "again"}),
        "Remove this connection",
    ),
    "to itself": (lambda d: d["connections"].append(link("desk", "desk")),
                  "Remove this connection"),
    "misspelled agent": (
        lambda d: d["connections"].append(link("views", "last", source_agent="tow")), "Use `two`",
    ),
    "no such agent": (
        lambda d: d["connections"].append(link("views", "last", source_agent="xyz")),
        "Connect the whole block",
    ),
    "no such agent, doubled": (
        lambda d: d["connections"].append({**link("desk", "views"), "id": "x",
                                           "source_agent": "xyz"}),
        "",
    ),
    "route nobody chooses": (
        lambda d: d["connections"].append(link("views", "last", route="x")), "Remove the route",
    ),
    "unused default": (lambda d: at(d, "views").update(default=1), "Remove the default"),
    "misspelled type": (lambda d: at(d, "views").update(type="paralel"), "Use `parallel`"),
    "no such type": (lambda d: at(d, "views").update(type="xyz"), ""),
    "input of another type": (
        lambda d: d.update(input_schema={"type": "string"}), "Write `object`",
    ),
    "misspelled name": (
        lambda d: at(d, "letter").update(task="An inputt: {{ inputt.a }}, {{inputt.b.inputt}}"),
        "Use `input`",
    ),
    "misspelled blocks": (
        lambda d: at(d, "last").update(settings={"expression": "{block: block.letter.output}"}),
        "Use `blocks`",
    ),
    "misspelled block": (
        lambda d: at(d, "last").update(settings={"expression": "[blocks.leter.output, 'leter']"}),
        "Use `letter`",
    ),
    "misspelled block downstream": (
        lambda d: at(d, "views").update(task="{{ blocks.leter.output }}"), "",
    ),
    "misspelled fact": (
        lambda d: at(d, "letter").update(task="{{ execution.started }}"), "Use `started_at`",
    ),
    "misspelled in the result": (lambda d: d.update(output="blocks.lst.output"), "Use `last`"),
    "misspelled in a condition": (
        lambda d: d["connections"][0].update(when="inptu.a > `1`"), "Use `input`",
    ),
    "one of two misspelled": (
        lambda d: at(d, "letter").update(task="{{ input.a }} {{ join('', [inputs, input.b]) }}"),
        "Use `input`",
    ),
}  # fmt: skip


def test_there_is_no_problem_before():
    assert check_document(sound()).problems == ()


@pytest.mark.parametrize("name", PLANTS)
def test_one_error_is_mended(name: str) -> None:
    check_mending(*PLANTS[name])
