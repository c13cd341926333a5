"""Fields that several forms have."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models

from designs.access import Caller
from designs.rows.columns import bounds_of


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
