"""Form fields of the admin: JSON typed as text."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from designs.strict_json import JsonUnreadable, read_strict_json


class _KnownKeys:
    """Shows a form again whose sender made up a key: what cannot be one has no name to look up."""

    field: Any

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        known = [key for key in value if self._is_key(key)]
        return super().optgroups(name, known, attr)  # type: ignore[misc]

    def _is_key(self, text: Any) -> bool:
        try:
            self.field.remote_field.model._meta.pk.to_python(text)
        except ValidationError:
            return False
        return True


class ChooseOne(_KnownKeys, AutocompleteSelect):
    """A related row, found while typing."""


class ChooseSome(_KnownKeys, AutocompleteSelectMultiple):
    """Related rows, found while typing."""


class JsonArea(UnfoldAdminTextareaWidget):
    """A wide text area in a typewriter's letters."""

    def __init__(self, *, rows: int = 12) -> None:
        super().__init__(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"})
        self.attrs["class"] = f"{self.attrs.get('class', '')} json-area"


class JsonObjectField(forms.CharField):
    """A JSON object; bad syntax is an error that names line and column."""

    def __init__(self, *, rows: int = 12, **options: Any) -> None:
        super().__init__(widget=JsonArea(rows=rows), strip=False, **options)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not text.strip():
            return {}
        try:
            found = read_strict_json(text)
        except JsonUnreadable as error:
            raise ValidationError(str(error), code="json") from error
        if not isinstance(found, dict):
            raise ValidationError('Write a JSON object, as in {"text": "…"}.', code="json")
        return found

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps({} if value is None else value, ensure_ascii=False, indent=2)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True
