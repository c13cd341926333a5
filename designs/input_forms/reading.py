"""Reads what was typed into controls back into a value. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from designs.input_forms.controls import MISSING, Control, Part
from designs.strict_json import JsonUnreadable, read_strict_json

Posted = Mapping[str, str]
_MAX_NUMBER = 400


class Reading:
    """One reading of a form; `unreadable` has what was typed where JSON was expected, by name."""

    def __init__(self, posted: Posted) -> None:
        self.posted = posted
        self.unreadable: dict[str, tuple[str, str]] = {}

    def fields(self, controls: list[Control], base: Part, *, is_lenient: bool = False) -> Part:
        """The object, with what the form does not show as it was."""
        value = dict(base)
        for control in controls:
            name = str(control.place[-1])
            read = self.value(control, is_lenient=is_lenient)
            if read is MISSING:
                value.pop(name, None)
            else:
                value[name] = read
        return value

    def value(self, control: Control, *, is_lenient: bool = False) -> Any:
        """MISSING if it was left empty; with `is_lenient` nothing is made up for required parts."""
        if control.kind == "group":
            return self._group(control, is_lenient)
        if control.kind == "list":
            return self._list(control, is_lenient)
        if control.kind == "check":
            return self._check(control, is_lenient)
        typed = self.posted.get(control.name)
        if typed is None:
            return control.value
        return _READERS[control.kind](self, control, typed)

    def _group(self, control: Control, is_lenient: bool) -> Any:
        if isinstance(control.value, dict):
            return self.fields(control.children, control.value)
        # One that was left out stays so until something is typed into it.
        value = self.fields(control.children, {}, is_lenient=True)
        if value or (control.is_required and not is_lenient):
            return self.fields(control.children, {})
        return control.value

    def _list(self, control: Control, is_lenient: bool) -> Any:
        if control.children or isinstance(control.value, list):
            return [self.value(row) for row in control.children]
        return [] if control.is_required and not is_lenient else control.value

    def _check(self, control: Control, is_lenient: bool) -> Any:
        if control.name in self.posted:
            return True
        is_said = control.is_required or control.value is False or control.is_checked
        return control.value if is_lenient or not is_said else False

    def _choice(self, control: Control, typed: str) -> Any:
        options = {option.key: option.value for option in control.options}
        if typed == "":
            return control.value if control.value is None else MISSING
        return options.get(typed, control.value)

    def _text(self, control: Control, typed: str) -> Any:
        # Browsers send every end of a line as CR LF.
        text = _lines(typed)
        if text == _lines(control.text):
            return control.value
        if text == "":
            return "" if control.is_row else MISSING
        return text

    def _number(self, control: Control, typed: str) -> Any:
        text = typed.strip()
        if text == control.text:
            return control.value
        if text == "":
            return None if control.is_row else MISSING
        return number_of(text)

    def _json(self, control: Control, typed: str) -> Any:
        text = _lines(typed)
        if text == _lines(control.text):
            return control.value
        if not text.strip():
            return None if control.is_row else MISSING
        try:
            return read_strict_json(text)
        except JsonUnreadable as error:
            self.unreadable[control.name] = (text, str(error))
            return control.value


_READERS = {
    "radios": Reading._choice, "select": Reading._choice, "text": Reading._text,
    "long": Reading._text, "number": Reading._number, "json": Reading._json,
}  # fmt: skip


def number_of(text: str) -> Any:
    """The number, or the text itself where it is none: the schema says what is wrong with it."""
    try:
        value = read_strict_json(text) if len(text) <= _MAX_NUMBER else text
    except JsonUnreadable:
        return text
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else text


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
