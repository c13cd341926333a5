"""Texts with expressions in them: types, escapes, quotes and braces, and nothing parsed twice."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.expressions import (
    Expression,
    ExpressionError,
    Template,
    compile_output,
    escape_text,
)
from tests.graphs import examples

SCOPE = {
    "input": {
        "text": "hello", "number": 5, "half": 0.5, "yes": True, "no": False, "none": None,
        "list": [1, "ä"], "object": {"a": [1]}, "empty": "", "braces": "{{ input.text }}",
        "tricky": "}} ' \" ` \\ {{", "a}}b": "odd",
    }
}  # fmt: skip


def render(source: str, scope: Any = SCOPE) -> Any:
    return Template.compile(source).render(scope)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ input.number }}", 5),
        ("{{input.half}}", 0.5),
        ("{{ input.yes }}", True),
        ("{{ input.no }}", False),
        ("{{\n input.list \t}}", [1, "ä"]),
        ("{{ input.object }}", {"a": [1]}),
        ("{{ input.empty }}", ""),
    ],
)
def test_a_single_expression_keeps_its_type(source: str, expected: Any) -> None:
    found = render(source)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        (" {{ input.number }}", " 5"),
        ("{{ input.number }}{{ input.text }}", "5hello"),
        ("it is {{ input.yes }} or {{ input.no }}", "it is true or false"),
        ("rows: {{ input.list }}, {{ input.object }}", 'rows: [1,"ä"], {"a":[1]}'),
        ("<{{ input.empty }}>", "<>"),
        ("{{ input.missing || 'nothing' }}!", "nothing!"),
        ("{ {{ input.number }} }", "{ 5 }"),
    ],
)
def test_text_around_makes_text(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (r"\{{ input.text }}", "{{ input.text }}"),
        (r"\{{{{ input.number }}", "{{5"),
        (r"a \{{ b {{ input.number }} c \{{", "a {{ b 5 c {{"),
        ("single { and } and }} are text", "single { and } and }} are text"),
        (r"\ and \\ stay", r"\ and \\ stay"),
    ],
)
def test_escapes(source: str, expected: str) -> None:
    assert render(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ '}}' }}", "}}"),
        ("{{ '{{' }}.", "{{."),
        (r"{{ 'it\'s }}' }}", "it's }}"),
        ('{{ input."a}}b" }}', "odd"),
        ('{{ `"}}"` }}', "}}"),
        ('{{ `{"a": {"b": "}}"}}` }}', {"a": {"b": "}}"}}),
        ("{{ {a: {b: input.number}} }}", {"a": {"b": 5}}),
        ("{{{a: {b: input.number}}}}", {"a": {"b": 5}}),
        ("{{ input.object | {x: a} }}?", '{"x":[1]}?'),
        (r"""{{ `"\`"` }}""", "`"),
    ],
)
def test_quotes_and_braces_inside_expressions(source: str, expected: Any) -> None:
    assert render(source) == expected


def test_inserted_text_is_never_read_again() -> None:
    assert render("{{ input.braces }}") == "{{ input.text }}"
    assert render("[{{ input.braces }}]") == "[{{ input.text }}]"
    assert render("[{{ input.tricky }}] {{ input.number }}") == "[}} ' \" ` \\ {{] 5"
    assert render("{{ '{{ input.text }}' }} {{ input.number }}") == "{{ input.text }} 5"


@pytest.mark.parametrize("name", ["none", "missing", "missing.deeper[0]", "text.part"])
@pytest.mark.parametrize("around", ["{{{{ input.{} }}}}", "a {{{{ input.{} }}}} b"])
def test_a_missing_value_is_an_error_that_names_the_expression(name: str, around: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        render(around.format(name))
    assert caught.value.message == (
        f"`input.{name}` has no value here: it is missing or null. "
        "Correct the name, or give a default after `||`."
    )


@pytest.mark.parametrize(
    "source", ["{{", "{{ input.x", "{{ input.x }", "{{ 'open }}", "x {{ {a: b }}", "{{ `1 }}"]
)
def test_what_is_not_closed(source: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        Template.compile(source)
    assert "opens with `{{` and is not closed. Close it with `}}`, or write `\\{{`" in (
        caught.value.message
    )


@pytest.mark.parametrize("source", ["{{ }}", "a {{}} b", "{{ a b }}", "{{ f(x) }}"])
def test_an_expression_that_cannot_be_read_inside_a_text(source: str) -> None:
    with pytest.raises(ExpressionError):
        Template.compile(source)


def test_the_output_of_a_design_is_a_template_only_with_braces() -> None:
    assert isinstance(compile_output("input.text"), Expression)
    template = compile_output("Said: {{ input.text }}")
    assert isinstance(template, Template)
    assert template.render(SCOPE) == "Said: hello"
    assert template.expressions == ("input.text",)


texts = st.text(max_size=20) | st.text("{}\\'\"` a", max_size=12)


@examples(300)
@given(texts)
def test_an_escaped_text_gives_itself(text: str) -> None:
    assert render(escape_text(text)) == text


@examples(300)
@given(texts, texts, texts)
def test_escaped_texts_around_an_expression(before: str, value: str, after: str) -> None:
    # A backslash before an expression would escape it, so a space keeps them apart.
    source = f"{escape_text(before)} {{{{ input }}}}{escape_text(after)}"
    assert render(source, {"input": value}) == f"{before} {value}{after}"


@examples(200)
@given(texts)
def test_any_text_renders_or_has_its_own_error(source: str) -> None:
    found = ""
    with contextlib.suppress(ExpressionError):
        found = render(source)
    assert json.dumps(found)
