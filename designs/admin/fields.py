"""Form fields of the admin: JSON, and related rows."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from designs.strict_json import JsonUnreadable, read_json_object


class _ValidKeys:
    """Skips invalid keys when a form with errors is shown again: Django would look them up."""

    field: Any

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        valid = []
        for key in value:
            with suppress(ValidationError):
                self.field.remote_field.model._meta.pk.to_python(key)
                valid.append(key)
        return super().optgroups(name, valid, attr)  # type: ignore[misc]


class ChooseOne(_ValidKeys, AutocompleteSelect):
    """Autocompletes a related row."""


class ChooseSome(_ValidKeys, AutocompleteSelectMultiple):
    """Autocompletes related rows."""


class JsonArea(UnfoldAdminTextareaWidget):
    def __init__(self, *, rows: int = 12) -> None:
        super().__init__(attrs={"rows": rows, "spellcheck": "false", "autocomplete": "off"})
        self.attrs["class"] = f"{self.attrs.get('class', '')} json-area"


class JsonObjectField(forms.CharField):
    """A JSON object. Errors of syntax name the line and column."""

    def __init__(self, *, rows: int = 12, **options: Any) -> None:
        super().__init__(widget=JsonArea(rows=rows), strip=False, **options)

    def to_python(self, value: Any) -> Any:
        try:
            return read_json_object(super().to_python(value) or "")
        except JsonUnreadable as error:
            raise ValidationError(str(error), code="json") from error

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps({} if value is None else value, ensure_ascii=False, indent=2)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True
