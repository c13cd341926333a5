"""The design document: reading, checking, expressions, schemas. Plain Python."""

__all__ = [
    "expressions",
    "files",
    "foreign",
    "meter",
    "reads",
    "report",
    "rules",
    "schema_check",
    "schemas",
    "spec",
    "suggestions",
    "uses",
]
