"""A form for the input of a run: fields made from its schema, or JSON; one value in both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from designs.graph.schema_words import quoted
from designs.input_forms.controls import (
    MAX_CONTROLS,
    MISSING,
    Control,
    Part,
    TooMany,
    controls_of,
    json_text,
)
from designs.input_forms.reading import Reading
from designs.strict_json import JsonUnreadable, read_json_object

MAX_TEXT = 1_000_000
MAX_ERRORS = 50
TOO_MANY = f"This input has more than {MAX_CONTROLS} fields, so it is written as JSON."


class InputForm:
    """What `includes/_input_form.html` shows; the text field with the JSON has the name `prefix`.

    Buttons inside the form post it, too: `is_asking` then says that it is to be shown again and
    nothing is to be done. Otherwise `value` is what was filled in, None if it cannot be read.
    """

    def __init__(
        self,
        schema: object,
        value: Part | None = None,
        *,
        prefix: str = "input_data",
        example: Part | None = None,
        mode: str = "form",
    ) -> None:
        self.schema = schema
        self.prefix = prefix
        self.example = example
        self.value: Part | None = {} if value is None else value
        self.text = json_text(self.value)
        self.errors: list[str] = []
        self.is_asking = False
        self.why_json = ""
        self.wanted_mode = mode
        self.controls: list[Control] | None = None
        self._unreadable: dict[str, tuple[str, str]] = {}
        self._build()

    @classmethod
    def posted(
        cls,
        schema: object,
        posted: Mapping[str, str],
        *,
        prefix: str = "input_data",
        example: Part | None = None,
    ) -> InputForm:
        """As it was sent. Without the fields of a form it is the JSON in `prefix`."""
        asked = posted.get(f"{prefix}:do", "")
        was_form = posted.get(f"{prefix}:mode") == "form"
        text = posted.get(f"{prefix}:base" if was_form else prefix, "")
        form = cls(schema, {}, prefix=prefix, example=example, mode="form" if was_form else "json")
        form._read_json(text)
        if was_form and form.value is not None:
            form._read_fields(posted)
        form._do(asked)
        return form

    @property
    def mode(self) -> str:
        return "json" if self.controls is None else "form"

    @property
    def has_choice(self) -> bool:
        """Whether there is a form to switch to."""
        return not self.why_json

    @property
    def base(self) -> str:
        """The value as the form shows it, which the fields that come back are changes of."""
        return json_text(self.value)

    @property
    def error_count(self) -> int:
        marked = sum(1 for control in self._all() if control.errors)
        return marked + len(self.errors)

    def show_errors(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Show errors at their fields; paths are those of `InputInvalid`: `input_data/list/0`."""
        by_path = {"/".join(map(str, control.place)): control for control in self._all()}
        for path, sentences in list(errors.items())[:MAX_ERRORS]:
            _, _, place = path.partition("/")
            for sentence in sentences:
                self._show_error(by_path, place, sentence)
        self._focus_first()

    def _show_error(self, by_path: dict[str, Control], place: str, sentence: str) -> None:
        for name, control in by_path.items():
            inside, _, last = name.rpartition("/")
            if inside == place and sentence == f"{quoted(last)} is a required property. Add it.":
                control.errors.append("This is required.")
                return
        start = place
        while start and start not in by_path:
            start = start.rpartition("/")[0]
        rest = place[len(start) :].strip("/")
        text = f"{rest}: {sentence}" if rest else sentence
        (by_path[start].errors if start in by_path else self.errors).append(text)

    # --- Inside -----------------------------------------------------------------------------------

    def _all(self) -> Iterator[Control]:
        for control in self.controls or ():
            yield from control.walk()

    def _build(self) -> None:
        """The controls for the value as it is, or none."""
        self.why_json, self.controls = "", None
        try:
            controls = controls_of(self.schema, self.value or {}, self.prefix)
        except TooMany:
            controls, self.why_json = None, TOO_MANY
        else:
            if controls is None:
                self.why_json = "This input has no named fields, so it is written as JSON."
        if self.wanted_mode == "form":
            self.controls = controls
        for control in self._all():
            if control.name in self._unreadable:
                control.text, error = self._unreadable[control.name]
                control.kind, control.errors = "json", [error]

    def _read_json(self, text: str) -> None:
        self.text = text
        try:
            if len(text) > MAX_TEXT:
                raise JsonUnreadable(f"This is longer than {MAX_TEXT:,} characters.")
            self.value = read_json_object(text)
        except JsonUnreadable as error:
            # What cannot be read is not lost: it is JSON to be mended.
            self.value, self.wanted_mode = None, "json"
            self.errors = [str(error)]
        self._build()

    def _read_fields(self, posted: Mapping[str, str]) -> None:
        reading = Reading(posted)
        self.value = reading.fields(self.controls or [], self.value or {})
        try:
            # Texts with characters that no database takes are refused here as everywhere.
            read_json_object(json_text(self.value))
        except JsonUnreadable as error:
            self.errors = [str(error)]
        self._unreadable = reading.unreadable
        self._build()
        self.text = json_text(self.value)

    @property
    def is_readable(self) -> bool:
        return self.value is not None and not self._unreadable and not self.errors

    def _do(self, asked: str) -> None:
        """What a button of the form asks for."""
        verb, _, path = asked.partition(" ")
        self.is_asking = verb in ("form", "json", "example", "add", "remove")
        if verb == "example" and self.example is not None:
            self.value, self.text, self.errors = self.example, json_text(self.example), []
            self._unreadable = {}
        elif verb in ("form", "json") and self.is_readable:
            self.wanted_mode = verb
        elif verb in ("add", "remove"):
            self._change_rows(verb, path)
        if self.is_asking:
            self._build()
            self._focus_changed(verb, path)

    def _change_rows(self, verb: str, path: str) -> None:
        control = next((one for one in self._all() if one.path == path), None)
        if control is None or self.value is None:
            return
        if verb == "add" and control.kind == "list":
            rows = list(control.value) if isinstance(control.value, list) else []
            _put(self.value, control.place, [*rows, _empty(control.part["items"])])
        elif verb == "remove" and control.is_row:
            parent = next(one for one in self._all() if one.place == control.place[:-1])
            rows = [row for i, row in enumerate(parent.value) if i != control.place[-1]]
            _put(self.value, parent.place, rows if rows or parent.is_required else MISSING)

    def _focus_changed(self, verb: str, path: str) -> None:
        control = next((one for one in self._all() if one.path == path), None)
        if verb == "add" and control is not None and control.children:
            last = list(control.children[-1].walk())
            next((one for one in last if not one.children), last[0]).is_focused = True

    def _focus_first(self) -> None:
        first = next((one for one in self._all() if one.errors), None)
        if first is not None:
            first.is_focused = True


def _put(value: Any, place: Sequence[str | int], new: Any) -> None:
    """Set the part at the place; objects are made where none or null is, MISSING takes it away."""
    for step in place[:-1]:
        inner = value[int(step)] if isinstance(value, list) else value.get(step)
        if inner is None:
            inner = value[step] = {}
        value = inner
    if new is MISSING:
        value.pop(place[-1], None)
    else:
        value[place[-1]] = new


def _empty(part: object) -> Any:
    """The value of a new entry."""
    kind = part.get("type") if isinstance(part, dict) else None
    made: dict[Any, Any] = {"string": "", "object": {}, "boolean": False, "array": []}
    return made.get(kind) if isinstance(kind, str) else None
