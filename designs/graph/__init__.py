"""The design document: parsing, checks, expressions, JSON Schemas. Plain Python."""

__all__ = [
    "bounds",
    "compare",
    "drawing",
    "expressions",
    "files",
    "fixes",
    "foreign",
    "labels",
    "meter",
    "placing",
    "reads",
    "report",
    "rules",
    "schema_check",
    "schemas",
    "spec",
    "structure",
    "suggestions",
    "uses",
    "worth",
]
