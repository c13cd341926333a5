"""Parts of pages that refresh themselves: `<div id="live" {% fresh_from request.path %}>`."""

from __future__ import annotations

from django import template
from django.utils.html import format_html

register = template.Library()


@register.simple_tag
def fresh_from(url: str, seconds: int = 0) -> str:
    """Attributes of the root of a part: its view answers with `designs.requests.render_fresh`.

    The root needs an id, and so does each of its rows: by them morphing finds what is the same.
    It refreshes every five seconds while it can be seen, or less often.
    """
    throttle = f" throttle:{seconds}s" if seconds else ""
    return format_html(
        'data-fresh hx-ext="morph" hx-get="{}" hx-trigger="fresh from:body{}"'
        ' hx-target="this" hx-swap="morph:outerHTML" hx-sync="this:drop"',
        url,
        throttle,
    )
