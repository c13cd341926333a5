"""JSON columns whose numbers come back as they were written."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from designs.strict_json import MAX_DIGITS, MAX_INTEGER


class StoredDecoder(json.JSONDecoder):
    """PostgreSQL writes 1e22 out in digits: as whole numbers those are larger than any that is
    taken, so they were other numbers.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_int=_number, **options)


def _number(text: str) -> int | float:
    if len(text) < MAX_DIGITS - 1:
        return int(text)
    value = int(text)
    return value if -MAX_INTEGER <= value < MAX_INTEGER else float(text)


class StoredJsonField(models.JSONField):
    """For migrations it is Django's own."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"decoder": StoredDecoder, **options})

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        options.pop("decoder", None)
        return name, "django.db.models.JSONField", args, options
