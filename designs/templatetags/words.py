"""Sentences with code in them, in templates."""

from __future__ import annotations

from django import template
from django.utils.html import format_html, format_html_join

from designs.inspector.controls import pieces

register = template.Library()


@register.filter
def with_code(sentence: str) -> str:
    """What stands between `backticks` as code; anything else stays text."""
    parts = pieces(sentence)
    return format_html_join(
        "",
        "{}",
        ((format_html("<code>{}</code>", text) if is_code else text,) for text, is_code in parts),
    )
