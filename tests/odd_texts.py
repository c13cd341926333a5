"""Texts that a form field or a query may be given instead of what belongs there."""

from __future__ import annotations

import uuid

DEEP = "[" * 20_000 + "]" * 20_000
# For every field by itself, the others as they should be.
EACH = (
    "", "a\0b", "\ud800", "1e400", "9" * 400, "9999-12-31T23:59:59", "not-a-uuid",
    '{"number": 1e400, "": "\\ud800"}',
)  # fmt: skip
# For all fields of a form together.
SHORT = (
    "", "a\0b", "\ud800", "é\u202e\ufffe", "-1", "²", "1e400", "NaN", "-Infinity", "9" * 400,
    str(2**63), "0001-01-01T00:00", "9999-12-31T23:59:59", "0000-00-00", "99:99:99",
    "not-a-uuid", str(uuid.UUID(int=0)), "[]", "[1]", "null", "true", '"text"', '{"": null}',
    '{"number": 1e400}', '{"number": NaN}', '{"number": "\\u0000"}', '{"number": "\\ud800"}',
    '{"number": 1, "number": 2}', '{"__proto__": {}}', "%00", "../../etc", "{{ 7 }}", "* * * * *",
)  # fmt: skip
# Long ones, each of which takes a while.
LONG = ("x" * 1_000_000, DEEP, '{"a":' * 5_000 + "1" + "}" * 5_000, "9," * 200_000)
# What an answer never says: the words of what is behind it.
BEHIND = ("Traceback (most", "psycopg", "sqlite3.", "IntegrityError", "violates ", "django.db")
