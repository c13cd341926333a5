"""The API of designs, and the base of every app's API."""

__all__ = [
    "base",
    "conditions",
    "fields",
    "filters",
    "lists",
    "parsers",
    "permissions",
    "renderers",
    "serializers",
    "views",
]
