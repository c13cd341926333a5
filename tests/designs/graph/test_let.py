"""Names that an expression gives to values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from designs.graph.expressions import Expression, ExpressionError, ExpressionLimit
from designs.graph.reads import find_reads
from designs.graph.renaming import renamed_expression, renamed_reads

SCOPE: dict[str, Any] = {
    "input": {
        "a": "top",
        "limit": 3,
        "rows": [{"a": "one", "n": 1}, {"a": "two", "n": 5}],
        "let": 1,
    }
}


def value(source: str, scope: Any = SCOPE) -> Any:
    return Expression.compile(source).evaluate(scope)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("let $x = input.a in $x", "top"),
        ("let $x = input.limit in input.rows[?n < $x].a", ["one"]),
        ("let $a = input.a in input.rows[*].[a, $a]", [["one", "top"], ["two", "top"]]),
        ("let $a = 1, $b = 2 in {a: $a, b: $b}", {"a": 1, "b": 2}),
        ("let $a = 1 in let $b = $a + 1 in $b * 2", 4),
        ("let $a = 1 in [let $a = 2 in $a, $a]", [2, 1]),
        ("let $rows = input.rows[*].n in $rows[0]", 1),
        ("let $r = input in $r.rows[-1].a", "two"),
        ("map(&let $n = n in $n * $n, input.rows)", [1, 25]),
        ("let $x = input.a in input.rows | [0].a == $x", False),
        ("input.let + 1", 2),
        ("let", None),
        ("in", None),
    ],
)
def test_what_variables_stand_for(source: str, expected: Any) -> None:
    assert value(source) == expected


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("$x", "`$x` at character 1 has no value here; give it one, as in `let $x = input in …`."),
        ("[let $x = 1 in $x, $x]", "`$x` at character 20 has no value here"),
        ("let $a = 1, $b = $a in $b", "`$a` at character 18 has no value here"),
        ("let $x = input.a $x", "`$x` at character 18 does not belong there."),
        ("let $x = input.a", "something is missing at its end."),
        ("let $x == 1 in $x", "`==` at character 8 does not belong there."),
        ("let $x = 1, in $x", "`in` at character 13 does not belong there."),
    ],
)
def test_what_cannot_be_read(source: str, sentence: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value(source)
    assert sentence in caught.value.message


def test_variables_of_one_evaluation_are_not_those_of_another() -> None:
    expression = Expression.compile(
        "let $x = input in map(&[$x, @], range(50)) | [*][0] | distinct(@)"
    )
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: expression.evaluate({"input": n}), range(200)))
    assert found == [[number] for number in range(200)]


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("let $r = blocks.find.output in $r.title", {("blocks", "find", "output", "title")}),
        ("let $r = blocks.find.output in input.a", {("blocks", "find", "output"), ("input", "a")}),
        ("let $all = @ in $all.input.a", {("input", "a")}),
        ("let $r = input.rows in map(&$r[0], $r)", {("input", "rows")}),
        ("let $a = input.x, $b = incoming in [$b.y, $a]", {("input", "x"), ("incoming", "y")}),
        ("now() > input.due", {("execution", "started_at"), ("input", "due")}),
        ("input.a + blocks.b.output", {("input", "a"), ("blocks", "b", "output")}),
    ],
)
def test_what_is_read_is_found_through_variables(source: str, paths: set[Any]) -> None:
    reads = find_reads([Expression.compile(source).tree])
    assert set(reads.paths) == paths
    assert not reads.everything


def test_ids_are_renamed_in_all_that_is_new() -> None:
    roots = {"blocks": {"old": "new"}}
    for source, renamed in [
        ("blocks.old.output * 2 - 1", "blocks.new.output * 2 - 1"),
        ("let $r = blocks.old.output in $r.old", "let $r = blocks.new.output in $r.old"),
        ("let $b = blocks in $b.old.output", "let $b = blocks in $b.new.output"),
        ("let $b = blocks, $c = 1 in $b.old.output", "let $b = blocks, $c = 1 in $b.new.output"),
        ("-blocks.old.output//2", "-blocks.new.output//2"),
    ]:
        assert renamed_expression(source, roots) == renamed
    assert (
        renamed_reads("{{ inptu.a+1 }}", ("inptu",), "input", is_template=True) == "{{ input.a+1 }}"
    )


@pytest.mark.parametrize(
    "source",
    [
        "let $a = input.rows in " + "let $a = [$a, $a] in " * 40 + "$a == $a",
        "let $a = input.rows in " + "let $a = [$a, $a] in " * 40 + "length(json($a))",
        "let $a = input.rows in " + "let $a = [$a, $a] in " * 40 + "flatten($a)",
        "let $a = input.rows in " + "let $a = [$a, $a] in " * 40 + "distinct($a)",
    ],
)
def test_doubling_by_variables_is_stopped(source: str) -> None:
    with pytest.raises(ExpressionLimit):
        value(source)
