"""A schema with a field of each kind, and what a browser sends for its form."""

from __future__ import annotations

from typing import Any

from designs.input_forms import InputForm
from designs.input_forms.controls import Control

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["message", "tags"],
    "properties": {
        "message": {"type": "string", "description": "What they wrote."},
        "customer": {"type": "string", "maxLength": 40, "title": "Customer number"},
        "priority": {"type": "integer", "minimum": 1, "maximum": 5},
        "desk": {"enum": ["billing", "technical"]},
        "country": {"enum": ["at", "be", "ch", "de", "es", "fr"]},
        "urgent": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {
            "type": "object",
            "required": ["city"],
            "properties": {
                "city": {"type": "string", "maxLength": 80},
                "zip": {"$ref": "#/$defs/zip"},
            },
        },
        "note": {"anyOf": [{"type": "string", "maxLength": 20}, {"type": "null"}]},
        "anything": True,
    },
    "$defs": {"zip": {"type": "string", "maxLength": 10}},
}  # fmt: skip
VALUE = {"message": "Hello\nyou", "tags": ["a", "b"], "left over": [1]}


def fields_of(form: InputForm) -> dict[str, str]:
    """What a browser would send."""
    sent = {f"{form.prefix}:mode": form.mode}
    if form.controls is None:
        return {**sent, form.prefix: form.text}
    sent[f"{form.prefix}:base"] = form.base
    for control in form._all():
        sent |= _sent(control)
    return sent


def _sent(control: Control) -> dict[str, str]:
    if control.kind == "check":
        return {control.name: "on"} if control.is_checked else {}
    if control.kind in ("radios", "select"):
        chosen = [option.key for option in control.options if option.is_chosen]
        return {control.name: chosen[0]} if chosen else {}
    is_field = control.kind not in ("group", "list")
    return {control.name: "\r\n".join(control.text.splitlines())} if is_field else {}


def posted(form: InputForm, **changes: str) -> InputForm:
    named = {f"{form.prefix}:{name.replace('__', '/')}": text for name, text in changes.items()}
    return InputForm.posted(form.schema, {**fields_of(form), **named}, example={"message": "E"})
