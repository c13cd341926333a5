"""Sentences with code in them, in templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join

from designs.graph.word_changes import Words
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


@register.simple_tag
def changed_text(pieces: Iterable[Any]) -> str:
    """Pieces of `designs.views.shown_changes` in one line: spaces around tags would be shown."""
    return format_html_join(
        "",
        "{}",
        (
            (
                _changed(
                    piece.op,
                    format_html(_LEFT_OUT, piece.text, f"{piece.left_out:,}", piece.end)
                    if piece.left_out
                    else piece.text,
                ),
            )
            for piece in pieces
        ),
    )


@register.simple_tag
def changed_words(words: Words, side: str) -> str:
    """One of the sides `removed` and `added` of two texts that were compared word by word."""
    shown = ((_changed(op, text),) for op, text in words if op in ("same", side))
    return format_html_join("", "{}", shown)


_CHANGED = {"same": "{}", "removed": "<del>{}</del>", "added": "<ins>{}</ins>"}
_LEFT_OUT = '{}<span class="left-out">… {} characters …</span>{}'


def _changed(op: str, text: str) -> str:
    return format_html(_CHANGED[op], text)
