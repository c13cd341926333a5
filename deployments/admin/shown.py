"""How the admin shows deployments and keys."""

from __future__ import annotations

from typing import Any

from deployments.models import ApiKey, Deployment
from designs.admin.shown import badge

KINDS = {"active": "success", "inactive": "", "error": "danger"}


def deployment_badge(deployment: Deployment) -> str:
    if deployment.removed_at is not None:
        return badge("Undeployed", "warning")
    return badge(deployment.get_status_display(), KINDS[deployment.status])


def key_badge(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return badge("Revoked", "danger")
    return badge("Works", "success") if key.is_usable else badge("Expired", "warning")


def skeleton(schema: Any) -> dict[str, Any]:
    """An example input: the schema's required fields, with values of their types."""
    if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
        return {}
    properties = schema["properties"]
    names = [name for name in schema.get("required", ()) if isinstance(properties.get(name), dict)]
    return {name: _value(properties[name]) for name in names}


def _value(schema: dict[str, Any]) -> Any:
    for word in ("default", "const"):
        if word in schema:
            return schema[word]
    for word in ("examples", "enum"):
        if isinstance(schema.get(word), list) and schema[word]:
            return schema[word][0]
    empty: dict[str, Any] = {"number": 0, "integer": 0, "boolean": False, "array": [], "object": {}}
    kind = schema.get("type")
    return empty.get(kind, "") if isinstance(kind, str) else ""
