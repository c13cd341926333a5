"""Pictures of graphs, pictograms of blocks and signs of states, in templates."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html

from designs.pictures import svg
from designs.pictures.pictograms import STATES

register = template.Library()


@register.simple_tag
def graph_picture(
    document: object,
    size: svg.Size = "full",
    states: Mapping[str, str] | None = None,
    marked: Mapping[str, str] | None = None,
    marked_wires: Mapping[str, str] | None = None,
    key: Hashable = None,
    links: Mapping[str, str] | None = None,
    chosen: str = "",
) -> str:
    """`{% graph_picture version.document size="card" key=version.pk %}`.

    With a `key` the picture is remembered, so it must stand for this document for ever.
    """
    if key is not None and not (states or marked or marked_wires or links):
        return svg.remembered_picture(key, document, size)
    return svg.graph_picture(
        document,
        size=size,
        states=states,
        marked=marked,
        marked_wires=marked_wires,
        links=links,
        chosen=chosen,
    )


@register.simple_tag
def pictogram(block_type: str) -> str:
    return format_html(
        '<svg class="icon pictogram" viewBox="0 0 24 24" aria-hidden="true">{}</svg>',
        svg.pictogram(block_type),
    )


@register.simple_tag
@lru_cache(maxsize=100)
def icon(name: str) -> str:
    """`includes/_icon.html`, which looks the name up; in rows of lists it is looked up once."""
    return render_to_string("includes/_icon.html", {"name": name})


@register.simple_tag
@lru_cache(maxsize=100)
def state_sign(state: str) -> str:
    return format_html(
        '<svg class="sign" viewBox="0 0 16 16" aria-hidden="true">{}</svg>',
        svg.state_sign(state),
    )


@register.filter
def state_word(state: str) -> str:
    return STATES[state][0] if state in STATES else state.replace("_", " ").capitalize()
