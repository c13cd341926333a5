"""The functions of expressions in words, each with an example: for the docs and the designer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """`usage` is `name(arguments)`, with `?` behind those that may be left out. `example` gives
    `result`, as JSON.
    """

    usage: str
    summary: str
    example: str
    result: str

    @property
    def name(self) -> str:
        return self.usage.partition("(")[0]


_TEXT = (
    Entry(
        "contains(text_or_list, part)",
        "whether the part is in it",
        "contains('order 7', '7')",
        "true",
    ),
    Entry("ends_with(text, end)", "whether the text ends so", "ends_with('a.pdf', '.pdf')", "true"),
    Entry(
        "find_first(text, part, start?, end?)",
        "the place of the first such part, from 0; null without one",
        "find_first('a-b-c', '-')",
        "1",
    ),
    Entry(
        "find_last(text, part, start?, end?)",
        "the place of the last such part",
        "find_last('a-b-c', '-')",
        "3",
    ),
    Entry(
        "join(separator, texts)",
        "the texts in one, with the separator between",
        'join(\', \', `["a", "b"]`)',
        '"a, b"',
    ),
    Entry(
        "length(value)",
        "characters of a text, entries of a list, names of an object",
        "length('word')",
        "4",
    ),
    Entry("lower(text)", "in small letters", "lower('ABC')", '"abc"'),
    Entry(
        "pad_left(text, width, character?)",
        "filled up from the left",
        "pad_left('7', 3, '0')",
        '"007"',
    ),
    Entry(
        "pad_right(text, width, character?)",
        "filled up from the right",
        "pad_right('7', 3, '.')",
        '"7.."',
    ),
    Entry(
        "replace(text, old, new, most?)",
        "with each old part replaced, or the first `most`",
        "replace('a-b-c', '-', '+')",
        '"a+b+c"',
    ),
    Entry("reverse(text_or_list)", "from the end to the start", "reverse('abc')", '"cba"'),
    Entry(
        "split(text, separator, most?)",
        "the parts between the separators; an empty one splits into characters",
        "split('a, b', ', ')",
        '["a","b"]',
    ),
    Entry(
        "starts_with(text, start)", "whether the text starts so", "starts_with('abc', 'a')", "true"
    ),
    Entry(
        "substring(text, start, end?)",
        "the characters from `start`, counted from 0, to before `end`; negative ones "
        "count from the end",
        "substring('invoice 17', -2)",
        '"17"',
    ),
    Entry(
        "trim(text, characters?)",
        "without spaces at both ends, or without these characters",
        "trim('  a ')",
        '"a"',
    ),
    Entry(
        "trim_left(text, characters?)", "the same at the start only", "trim_left('007', '0')", '"7"'
    ),
    Entry(
        "trim_right(text, characters?)", "the same at the end only", "trim_right('a!!', '!')", '"a"'
    ),
    Entry("upper(text)", "in capital letters", "upper('abc')", '"ABC"'),
)
_LISTS = (
    Entry(
        "distinct(list)",
        "without repeats, each where it stands first",
        "distinct([1, 2, 1])",
        "[1,2]",
    ),
    Entry(
        "distinct_by(list, &expression)",
        "without those for which the expression gives a value again",
        'distinct_by(`[{"a": 1, "b": 2}, {"a": 1}]`, &a)',
        '[{"a":1,"b":2}]',
    ),
    Entry(
        "flatten(list)",
        "with the contents of lists in it, however deep; `[]` goes one level",
        "flatten(`[1, [2, [3]]]`)",
        "[1,2,3]",
    ),
    Entry(
        "from_items(pairs)",
        "an object from pairs of name and value",
        'from_items(`[["a", 1]]`)',
        '{"a":1}',
    ),
    Entry(
        "group_by(list, &expression)",
        "an object with a list for each text that the expression gives; null is left out",
        'group_by(`[{"k": "x"}, {"k": "y"}]`, &k)',
        '{"x":[{"k":"x"}],"y":[{"k":"y"}]}',
    ),
    Entry("items(object)", "its pairs of name and value", "items({a: 1})", '[["a",1]]'),
    Entry("keys(object)", "its names", "keys({a: 1, b: 2})", '["a","b"]'),
    Entry(
        "map(&expression, list)",
        "what the expression gives for each entry, null too",
        "map(&@ * 2, [1, 2])",
        "[2,4]",
    ),
    Entry(
        "max_by(list, &expression)",
        "the entry for which the expression gives most",
        'max_by(`[{"a": 1}, {"a": 2}]`, &a)',
        '{"a":2}',
    ),
    Entry(
        "merge(object, …)",
        "all in one; later ones win",
        "merge({a: 1}, {a: 2, b: 3})",
        '{"a":2,"b":3}',
    ),
    Entry(
        "min_by(list, &expression)",
        "the entry for which the expression gives least",
        'min_by(`[{"a": 1}, {"a": 2}]`, &a)',
        '{"a":1}',
    ),
    Entry(
        "not_null(value, …)",
        "the first that is not null",
        "not_null(input.missing, 'none')",
        '"none"',
    ),
    Entry(
        "range(end) or range(start, end, step?)",
        "whole numbers up to before the end",
        "range(1, 4)",
        "[1,2,3]",
    ),
    Entry(
        "sort(list)",
        "numbers, or texts by their characters, in order",
        "sort([3, 1, 2])",
        "[1,2,3]",
    ),
    Entry(
        "sort_by(list, &expression)",
        "in the order of what the expression gives",
        'sort_by(`[{"a": 2}, {"a": 1}]`, &a)',
        '[{"a":1},{"a":2}]',
    ),
    Entry("to_array(value)", "a list of it, unless it is one", "to_array('a')", '["a"]'),
    Entry("values(object)", "its values", "values({a: 1, b: 2})", "[1,2]"),
    Entry(
        "zip(list, …)",
        "lists of the first entries, the second ones, and so on, as long as the shortest",
        'zip([1, 2], `["a", "b"]`)',
        '[[1,"a"],[2,"b"]]',
    ),
)
_NUMBERS = (
    Entry("abs(number)", "without its sign", "abs(-3)", "3"),
    Entry("avg(numbers)", "the mean; null of an empty list", "avg([1, 2])", "1.5"),
    Entry("ceil(number)", "rounded up to a whole number", "ceil(1.2)", "2"),
    Entry("floor(number)", "rounded down to a whole number", "floor(1.8)", "1"),
    Entry(
        "format_number(number, digits, thousands?, point?)",
        "as text with so many digits behind the point",
        "format_number(1234.5, 2, '.', ',')",
        '"1.234,50"',
    ),
    Entry(
        "max(list)",
        "the largest number, or the last text in order; null of an empty list",
        "max([1, 3, 2])",
        "3",
    ),
    Entry("min(list)", "the smallest number, or the first text in order", "min([1, 3, 2])", "1"),
    Entry(
        "round(number, digits?)",
        "rounded, halves away from nought; negative digits round tens, hundreds …",
        "round(2.675, 2)",
        "2.68",
    ),
    Entry("sum(numbers)", "their sum", "sum([1, 2, 3])", "6"),
    Entry(
        "to_number(value)",
        "the number that a text says; null if it says none",
        "to_number('1.5')",
        "1.5",
    ),
)
_DATES = (
    Entry(
        "date(value, zone?)",
        "the moment in UTC, from RFC 3339 text, a day, a clock's time in the zone, or "
        "seconds since 1970",
        "date('2026-07-01T09:00:00', 'Europe/Berlin')",
        '"2026-07-01T07:00:00Z"',
    ),
    Entry(
        "date_add(date, amount, unit, zone?)",
        "so many seconds, minutes, hours, days, weeks, months or years later",
        "date_add('2026-01-31', 1, 'month')",
        '"2026-02-28"',
    ),
    Entry(
        "date_diff(from, to, unit)",
        "how many units lie between; of months and years the whole ones",
        "date_diff('2026-01-01', '2026-03-01', 'days')",
        "59",
    ),
    Entry(
        "format_date(date, pattern, zone?)",
        "as text by a pattern (below)",
        "format_date('2026-07-01T07:00:00Z', '%d.%m.%Y %H:%M', 'Europe/Berlin')",
        '"01.07.2026 09:00"',
    ),
    Entry(
        "now()",
        "when the run began; the same at each evaluation of a run, however often it is taken up",
        "now()",
        '"2026-03-01T09:30:00Z"',
    ),
    Entry(
        "timestamp(date)", "its seconds since 1970, to sort by", "timestamp('1970-01-02')", "86400"
    ),
)
_ENCODINGS = (
    Entry(
        "base64_decode(text)",
        "the text (UTF-8) that Base64 stands for, of both alphabets",
        "base64_decode('w6Q=')",
        '"ä"',
    ),
    Entry("base64_encode(text)", "the text's UTF-8 in Base64", "base64_encode('ä')", '"w6Q="'),
    Entry(
        "json(value)",
        "the value written as JSON; text gets its quotes",
        "json({a: 'b'})",
        '"{\\"a\\":\\"b\\"}"',
    ),
    Entry(
        "parse_json(text)",
        "the value that JSON says, up to 1,000,000 characters",
        "parse_json('[1, 2]')",
        "[1,2]",
    ),
    Entry(
        "sha256(text)",
        "the digest of its UTF-8, as 64 hexadecimal digits",
        "substring(sha256('a'), 0, 8)",
        '"ca978112"',
    ),
    Entry("to_string(value)", "text as it is, all else as JSON", "to_string([1, 2])", '"[1,2]"'),
    Entry(
        "type(value)",
        "`null`, `boolean`, `number`, `string`, `array` or `object`",
        "type('a')",
        '"string"',
    ),
    Entry(
        "url_encode(text)",
        "as it may stand in an address, with `%` for all but letters, digits and `-._~`",
        "url_encode('a b/c')",
        '"a%20b%2Fc"',
    ),
)
_READING = (
    Entry("value.name", "a field; null without it", "input.missing || 'Untitled'", '"Untitled"'),
    Entry(
        "list[place]",
        "an entry, counted from 0, or from the end with `-1`",
        "[4, 5, 6] | [-1]",
        "6",
    ),
    Entry(
        "list[from:to]", "the entries from one place to before another", "[4, 5, 6] | [1:]", "[5,6]"
    ),
    Entry("list[*].name", "that of each entry that has it", '`[{"a": 1}, {"b": 2}]`[*].a', "[1]"),
    Entry(
        "list[? condition ]", "the entries for which it holds", "[4, 5, 6] | [?@ > `4`]", "[5,6]"
    ),
    Entry(
        "{name: value}",
        "a new object",
        "{total: 2 * 3, words: 'some text'}",
        '{"total":6,"words":"some text"}',
    ),
    Entry("a || b, a && b, !(a)", "a default, both, not", "input.missing || 'none'", '"none"'),
    Entry("a | b", "`b` reads what `a` gives", "'a-b' | split(@, '-') | [0]", '"a"'),
    Entry("`JSON`", "a value written as JSON, in backquotes", "`[true, null]`", "[true,null]"),
)
_COMPUTING = (
    Entry(
        "+ - * / // %",
        "arithmetic; `//` rounds down, `%` is what it leaves",
        "(1 + 2) * 3 - 7 // 2",
        "6",
    ),
    Entry(
        "== != < <= > >=",
        "comparison; of moments by which is earlier, of other texts by characters",
        "'2026-03-01T10:00:00+02:00' < '2026-03-01T09:00:00Z'",
        "true",
    ),
    Entry(
        "let $name = value in …",
        "a name for a value, also inside of `[? ]` and `&`",
        "let $most = 5 in [4, 5, 6] | [?@ <= $most]",
        "[4,5]",
    ),
)
LANGUAGE: dict[str, tuple[Entry, ...]] = {"Reading": _READING, "Computing": _COMPUTING}
GROUPS: dict[str, tuple[Entry, ...]] = {
    "Text": _TEXT,
    "Lists and objects": _LISTS,
    "Numbers": _NUMBERS,
    "Dates": _DATES,
    "Encodings and kinds": _ENCODINGS,
}


def entries() -> Iterator[Entry]:
    for group in GROUPS.values():
        yield from group


def for_editors() -> list[dict[str, str]]:
    """For completion: what is typed, and what it does."""
    return [
        {"name": entry.name, "usage": entry.usage, "summary": entry.summary}
        for entry in sorted(entries(), key=lambda entry: entry.name)
    ]


def table(group: str) -> list[str]:
    """The lines of a Markdown table, as `docs/expressions.md` has it."""
    rows = [
        (f"`{entry.usage}`", entry.summary, f"{_code(entry.example)} → {_code(entry.result)}")
        for entry in GROUPS[group]
    ]
    return ["| function | gives | example |", "|---|---|---|", *map(_row, rows)]


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _code(text: str) -> Any:
    return f"`` {text} ``" if "`" in text else f"`{text}`"
