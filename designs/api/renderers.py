"""Renders JSON answers."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import BaseRenderer

from designs.json_text import to_json


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else to_json(data)
