"""A JSON column that returns numbers as they were written."""

from __future__ import annotations

import json
from typing import Any

from django.db import models

from designs.strict_json import MAX_INTEGER


class StoredDecoder(json.JSONDecoder):
    """PostgreSQL writes the float 1e22 as digits. No integer of that size is ever stored, so it is
    read as a float.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(parse_int=_int_or_float, **options)


def _int_or_float(text: str) -> int | float:
    value = int(text)
    return value if -MAX_INTEGER <= value < MAX_INTEGER else float(text)


class StoredJsonField(models.JSONField):
    """Decodes with `StoredDecoder`; in migrations it is Django's own field."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"decoder": StoredDecoder, **options})

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        options.pop("decoder", None)
        return name, "django.db.models.JSONField", args, options
