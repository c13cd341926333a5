"""No expression costs much: dear ones stop with their own error."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph.expressions import Expression, ExpressionError, ExpressionLimit, Template
from designs.graph.meter import MAX_CHARACTERS, MAX_ELEMENTS, MAX_STEPS

TEN = "`[1,2,3,4,5,6,7,8,9,10]`"
PEOPLE = [{"name": str(number), "age": number, "tags": [number]} for number in range(30_000)]
SCOPE: dict[str, Any] = {
    "input": {
        "numbers": list(range(100_000)),
        "people": PEOPLE,
        "rows": [[number] * 30 for number in range(3_000)],
        "text": "x" * 3_000_000,
        "texts": [f"{'x' * 1_000}{number}" for number in range(3_000)],
        "object": {str(number): number for number in range(100_000)},
    }
}


def doubled(times: int) -> str:
    return " | ".join(["input.numbers[:10]"] + ["[@, @][]"] * times)


STOPPED = {
    "nested projections": "input.rows[*][*].[@, @]",
    "nested maps": f"map(&map(&map(&map(&map(&@, {TEN}), {TEN}), {TEN}), {TEN}), input.rows)",
    "a product": "[input.rows, input.rows, input.rows][].[sum(@), max(@)][]",
    "doubling": doubled(16),
    "doubling without steps": " | ".join(["input.people"] + ["[@, @]"] * 40),
    "a huge join": "join(input.text, input.texts)",
    "many joins": "map(&join('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', ['a', 'b', 'c']), input.people)",
    "a sort": "sort(input.numbers)",
    "a sort of long texts": "sort(input.texts)",
    "sorts": "map(&sort_by(@, &@), input.rows)",
    "flattening": "[input.rows[], input.rows[], input.rows[]]",
    "slices": "[input.numbers[:], input.numbers[:], input.numbers[::-1]]",
    "values": "[values(input.object), values(input.object), keys(input.object)]",
    "merging": "map(&merge(@, @, @, @), input.people)",
    "writing": "map(&to_string(@), input.people)",
    "equality": "input.people[?@ == @]",
    "searching": "input.numbers[?contains(`[1, 2, 3]`, @)]",
    "reading numbers": "map(&to_number('1.5e300'), input.numbers)",
    "a large result": "[input.people, input.people]",
    "comparing moments": "input.people[?'2026-01-01T00:00:00+01:00' < '2026-01-01T00:00:00Z']",
    "reading dates": "map(&date('2026-01-01T00:00:00Z'), input.numbers)",
    "writing dates": "map(&format_date(`0`, '%A %B %Y'), input.people)",
    "trimming by many characters": "trim(input.text, input.text)",
    "replacing every character": "replace(input.text, 'x', 'yyy')",
    "replacing nothing": "replace(input.text, '', 'y')",
    "splitting into characters": "split(input.text, '')",
    "padding": "map(&pad_left('', 2000), input.people)",
    "grouping": "group_by(input.people, &join('', [name, name, name]))",
    "telling apart": "distinct(input.people)",
    "a long range": "range(1000000)",
    "ranges": "map(&range(50), input.people)",
    "pairs": "zip(input.numbers, input.numbers, input.numbers)",
    "addresses": "url_encode(input.text)",
    "digests": "map(&sha256(@), input.texts)",
    "reading JSON": "map(&parse_json('[1,2,3,4,5,6]'), input.people)",
    "adding": "map(&@ + 1 + 2 + 3 + 4, input.numbers)",
}  # fmt: skip
FINISHED = {
    "equal": "input.people[:15000] == input.people[:15000]",
    "sums": "[sum(input.numbers), max(input.numbers), avg(input.numbers), length(input.text)]",
    "a filter": "length(input.people[?age > `15000`])",
    "a projection": "input.people[:20000].{who: name, years: age} | length(@)",
    "keys": "length(keys(input.object))",
    "dates": "length(input.people[?'2026-01-01T00:00:00.5Z' < '2026-01-01T00:00:00.7Z'])",
    "a search from the end": "find_last(input.text, 'yx')",
    "a hostile search": "find_last(input.text, join('', ['y', input.texts[0]]))",
    "rounding": "length(map(&round(@, 1), input.numbers[:5000]))",
    "groups": "length(group_by(input.people[:10000], &name))",
    "distinct numbers": "length(distinct(input.numbers[:20000]))",
    "search": "length(map(&contains(@, 'xx3'), input.texts))",
}


def result_of(source: str) -> Any:
    """The value, or the error."""
    try:
        return Expression(source).evaluate(SCOPE)
    except ExpressionError as error:
        return error


@pytest.mark.parametrize("name", STOPPED)
def test_dear_expressions_are_stopped(name: str) -> None:
    error = result_of(STOPPED[name])
    assert isinstance(error, ExpressionLimit)
    assert " was stopped: it " in error.message
    assert error.message.endswith("Make it read less at once.")


@pytest.mark.parametrize("name", FINISHED)
def test_large_data_can_be_worked_with(name: str) -> None:
    found = result_of(FINISHED[name])
    assert not isinstance(found, ExpressionError)


def test_thousands_of_parentheses_are_refused_at_once() -> None:
    for source in ("(" * 3_000 + ")" * 3_000, "(" * 999, "[?" * 900, "!" * 1_999 + "a", "[[" * 900):
        with pytest.raises(ExpressionError):
            Expression(source)


def test_the_famous_short_expression() -> None:
    """Less than 300 characters that make tens of millions of elements elsewhere."""
    source = " | ".join(["[`1`]"] + ["[@[], @[], @[], @[], @[], @[]][]"] * 8)
    assert len(source) < 300
    error = result_of(source)
    assert isinstance(error, ExpressionLimit)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("input.people[?age > `1` && age < `9` && name > 'a'].age", f"{MAX_STEPS:,} steps"),
        ("[input.object, input.object, input.object]", f"{MAX_ELEMENTS:,} elements"),
        ("[input.text, input.text]", f"{MAX_CHARACTERS:,} characters"),
    ],
)
def test_what_was_spent_is_named(source: str, word: str) -> None:
    error = result_of(source)
    assert isinstance(error, ExpressionLimit)
    assert word in error.message


def test_deep_values_are_no_trouble() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for source in ("input.x", "input == input", "to_string(input)", "input.x[0]", "[input.x]"):
        scope = {"input": {"x": deep}}
        with pytest.raises(ExpressionError) as caught:
            Expression.compile(source).evaluate(scope)
        assert "nested" in caught.value.message
    while isinstance(deep, list):
        deep = deep.pop()


def test_a_rendered_text_has_an_end() -> None:
    template = Template.compile("{{ input.text }} {{ input.text }}")
    with pytest.raises(ExpressionLimit) as caught:
        template.render(SCOPE)
    assert "would be longer than 4,000,000 characters." in caught.value.message
