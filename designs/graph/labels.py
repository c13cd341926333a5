"""How a field of the document is shown to people: words beside its type, in its JSON schema."""

from __future__ import annotations

from typing import Any

KEY = "x-inspector"


def shown(
    *,
    kind: str | None = None,
    also: str | None = None,
    choices: dict[str, str] | None = None,
    help: str | None = None,  # noqa: A002 - the word that forms use
    options: str | None = None,
    when: str | None = None,
    empty: str | None = None,
    rest: str | None = None,
    group: str | None = None,
) -> dict[str, Any]:
    """For a field's `json_schema_extra`; its label is the field's `title`.

    - `kind`: how it is typed in, where the type alone does not say it (`template`, `expression`,
      `longtext`, `models`, `tools`, `id`), `object` for one whose own fields are shown in its
      place, or `hidden` for a field that has a place of its own.
    - `also`: another kind that a text may be: an expression with `{{` in it is a `template`.
    - `choices`: words for the values of a choice; of a union with a number, also for `number`.
    - `help`: instead of the field's description, which is written for JSON; empty for none.
    - `options`: what the choices are taken from (`blocks`, `agents`, `roles`, `routes`).
    - `when`: show the field only where this holds of its part: `/on_error=default`, or several
      values divided by `|`, or a pointer alone for a value that is there.
    - `empty`: what it means if nothing is chosen.
    - `rest`: the label of the further names of a list of models.
    - `group`: fields of the same group in a row stand behind one disclosure with this title.
    """
    given = {
        "kind": kind, "also": also, "choices": choices, "help": help, "options": options,
        "when": when, "empty": empty, "rest": rest, "group": group,
    }  # fmt: skip
    return {KEY: {name: value for name, value in given.items() if value is not None}}


def one_of(title: str, choices: dict[str, str]) -> dict[str, Any]:
    """For the settings' `json_schema_extra`: exactly one of these fields is used."""
    return {KEY: {"one_of": {"title": title, "choices": choices}}}


def without_labels(schema: Any) -> Any:
    """A copy of a JSON schema for machines."""
    if isinstance(schema, dict):
        return {key: without_labels(value) for key, value in schema.items() if key != KEY}
    return [without_labels(item) for item in schema] if isinstance(schema, list) else schema
