"""Fields that several forms have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from designs.access import Caller
from designs.rows.columns import bounds_of
from designs.strict_json import JsonUnreadable, read_json_object


def form_field(model: type[models.Model], name: str, **options: Any) -> forms.Field:
    """The field of a form for a column: its label, help, default, choices and bounds."""
    column: Any = model._meta.get_field(name)
    return cast(forms.Field, column.formfield(**bounds_of(column), **options))


def check_groups(groups: Iterable[Group], caller: Caller) -> None:
    """Nobody takes a deployment out of their own sight. Raises ValidationError."""
    chosen = {group.pk for group in groups}
    if chosen and not caller.is_superuser and chosen.isdisjoint(caller.group_ids):
        raise ValidationError(
            "You are in none of these groups, so you would not see this deployment any more. "
            "Add one of yours."
        )


class JsonField(forms.CharField):
    """A JSON object as text, parsed by the rules of API bodies."""

    widget = forms.Textarea(attrs={"class": "json", "spellcheck": "false", "autocomplete": "off"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=1_000_000, required=False, **kwargs)

    def to_python(self, value: Any) -> Any:
        try:
            return read_json_object(super().to_python(value) or "")
        except JsonUnreadable as error:
            raise ValidationError(str(error)) from error

    def validate(self, value: Any) -> None:
        """An empty object is an input, too."""

    def run_validators(self, value: Any) -> None:
        """The length was checked before parsing."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return json.dumps({} if value is None else value, ensure_ascii=False, indent=2)


class LocalTimeInput(forms.TextInput):
    input_type = "datetime-local"
    # Django compares this to see whether the value changed.
    supports_microseconds = False


class LocalTimeField(forms.Field):
    """A local date and time: naive, to the second."""

    widget = LocalTimeInput

    def prepare_value(self, value: Any) -> Any:
        """Seconds only where there are some: browsers then show a field for them."""
        if not isinstance(value, datetime):
            return value
        return value.isoformat(timespec="seconds" if value.second else "minutes")

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return None
        try:
            value = datetime.fromisoformat(str(value).strip())
        except ValueError as error:
            raise ValidationError("Write a date and a time, as in 2027-01-31 09:00.") from error
        if value.tzinfo is not None or not 1970 <= value.year <= 9000:
            raise ValidationError("Write a date and a time without an offset, from 1970 on.")
        return value.replace(microsecond=0)
