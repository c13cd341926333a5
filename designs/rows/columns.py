"""Bounds of numeric columns: the validators say them once, forms and the API read them there."""

from __future__ import annotations

from typing import Any

from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.db import models


def between(minimum: int, maximum: int) -> list[BaseValidator]:
    return [MinValueValidator(minimum), MaxValueValidator(maximum)]


def bounds_of(column: models.Field[Any, Any]) -> dict[str, Any]:
    """`min_value` and `max_value`, as fields of forms and serializers take them; none for texts."""
    bounds: dict[str, Any] = {}
    for validator in column.validators:
        if isinstance(validator, MinValueValidator):
            bounds["min_value"] = validator.limit_value
        elif isinstance(validator, MaxValueValidator):
            bounds["max_value"] = validator.limit_value
    return bounds
