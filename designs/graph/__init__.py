"""The design document: parsing, checks, expressions, JSON Schemas. Plain Python."""

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
