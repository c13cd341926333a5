"""Serializer fields of several apps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from designs.rows.columns import bounds_of

WITH_OFFSET = "Write a date and time with its offset, as in 2027-01-31T09:00:00+01:00."


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.DateTimeField):
    """A time with its offset; one without is ambiguous, so it is refused."""

    default_error_messages = {"invalid": WITH_OFFSET}

    def enforce_timezone(self, value: datetime) -> Any:
        if timezone.is_naive(value):
            self.fail("invalid", format="")
        return super().enforce_timezone(value)


def field_in(column: Any) -> serializers.Field[Any, Any, Any, Any]:
    """A column of numbers in a body: with its bounds, and its default where the body omits it."""
    options = {
        **bounds_of(column),
        "allow_null": column.null,
        "default": column.get_default(),
        "help_text": column.help_text,
    }
    if isinstance(column, models.DecimalField):
        digits, places = column.max_digits, column.decimal_places
        return serializers.DecimalField(max_digits=digits, decimal_places=places, **options)
    return serializers.IntegerField(**options)


def field_out(column: Any) -> serializers.Field[Any, Any, Any, Any]:
    """A column of numbers or of choices in an answer."""
    options = {"allow_null": column.null, "help_text": column.help_text}
    if column.choices:
        return serializers.ChoiceField(choices=column.choices, **options)
    is_decimal = isinstance(column, models.DecimalField)
    return (serializers.FloatField if is_decimal else serializers.IntegerField)(**options)
