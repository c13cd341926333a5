"""What was probably meant by an unknown key, or by a value of the wrong type or size."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError

from designs.graph.fixes import exact_pointer, fix, remove_value, replace_value, set_value
from designs.graph.report import Report, excerpt
from designs.graph.spec import Fix


def mended_key(
    model: type[BaseModel], raw: dict[str, Any], path: str, key: str, near: str
) -> Fix | None:
    """Another name for an unknown key, or none at all; None if its value fits neither way."""
    place = path + exact_pointer(key)
    if not near:
        return fix(f"Remove `{excerpt(key)}`", remove_value(place))
    if near in raw or not _fits(model, near, raw[key]):
        return None
    renamed = set_value(path + exact_pointer(near), raw[key])
    return Fix(f"Rename it to `{near}`", (remove_value(place), renamed), is_guess=True)


def _fits(model: type[BaseModel], key: str, value: Any) -> bool:
    try:
        model.model_validate({key: value})
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return not any(detail["loc"][:1] == (key,) for detail in details)
    return True


def mended_value(
    model: type[BaseModel], detail: Any, value: Any, path: str, report: Report
) -> Fix | None:
    """The value that was probably meant: the nearest limit or choice, or a number in quotes."""
    key, kind, context = str(detail["loc"][0]), detail["type"], detail.get("ctx", {})
    meant: Any = None
    if kind in ("greater_than_equal", "less_than_equal"):
        meant = context.get("ge", context.get("le"))
    elif kind == "literal_error" and isinstance(value, str) and key != "role":
        meant = report.nearest(value, _QUOTED.findall(context["expected"])) or None
    elif kind in _READERS and isinstance(value, str | float):
        meant = _READERS[kind](value)
    if meant is None or not _fits(model, key, meant):
        return None
    shown = json.dumps(meant) if not isinstance(meant, str) else meant
    patch = (replace_value(path + exact_pointer(key), meant),)
    return Fix(f"Use `{shown}`", patch, is_guess=True)


def _whole(value: str | float) -> int | None:
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    text = value.strip()
    return int(text) if _NUMBER.fullmatch(text) and "." not in text else None


def _number(value: str | float) -> float | None:
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else None


def _yes_or_no(value: str | float) -> bool | None:
    return {"true": True, "false": False}.get(str(value).strip().lower())


_QUOTED = re.compile("'([^']*)'")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_READERS: dict[str, Callable[[str | float], Any]] = {
    "int_type": _whole,
    "float_type": _number,
    "bool_type": _yes_or_no,
}
