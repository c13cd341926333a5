"""Fields that bodies of several apps have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

WITH_OFFSET = "Write a date and time with its offset, as in 2027-01-31T09:00:00+01:00."


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.DateTimeField):
    """An instant. A time without an offset is refused: nobody can know which one is meant."""

    default_error_messages = {"invalid": WITH_OFFSET}

    def enforce_timezone(self, value: datetime) -> Any:
        if timezone.is_naive(value):
            self.fail("invalid", format="")
        return super().enforce_timezone(value)
