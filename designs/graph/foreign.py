"""Recognises files of other programs, so that the error can name the program."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

YAML = "Only JSON is read; this looks like YAML."
_YAML_LINE = re.compile(rb"(---|%YAML|- \S|[A-Za-z_][\w .-]*:(\s|$))")


def foreign_program(raw: Mapping[str, Any]) -> str | None:
    """The program that an object seems to come from, as words for a sentence."""
    if "blocks" in raw:
        return None
    nodes = raw.get("nodes")
    if isinstance(nodes, list) and isinstance(raw.get("connections"), dict):
        return "an n8n workflow"
    if isinstance(nodes, list) and isinstance(raw.get("edges"), list):
        return "a Flowise flow"
    if isinstance(raw.get("app"), dict) and ("workflow" in raw or "model_config" in raw):
        return "a Dify app"
    return None


def looks_like_yaml(data: bytes) -> bool:
    """Whether text that is not JSON begins like YAML; leading comments are skipped."""
    for line in data[:4_000].removeprefix(b"\xef\xbb\xbf").splitlines():
        if line.strip() and not line.startswith(b"#"):
            return _YAML_LINE.match(line) is not None
    return False
