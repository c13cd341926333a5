"""How the admin shows things: badges, links, JSON, lists of sentences. All of it escaped text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join

# What a page shows of one value; the export and the API have all of it.
SHOWN = 100_000
# What a table shows of one without being asked.
SHOWN_IN_TABLE = 300
EMPTY = "-"


def badge(text: str, kind: str = "") -> str:
    """A word in a coloured shape; kinds: success, danger, warning, info, primary, none."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


def link(url: str, text: object) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def admin_url(row: models.Model, page: str = "change") -> str:
    """The admin's page of a row."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def entries_url(content_type_id: int, object_pk: str) -> str:
    """The audit's list of what was done with one object."""
    query = urlencode({"content_type__id__exact": content_type_id, "object_pk": object_pk})
    return f"{reverse('admin:designs_auditentry_changelist')}?{query}"


def row_link(row: models.Model | None, text: object = "") -> str:
    """A link to the admin's page of a row."""
    return EMPTY if row is None else link(admin_url(row), text or row)


def json_text(value: Any) -> str:
    """Indented JSON, cut where a page would burst."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= SHOWN:
        return text
    return f"{text[:SHOWN]}\n… ({len(text) - SHOWN:,} more characters)"


def json_block(value: Any) -> str:
    """A value as text that can be read and scrolled."""
    if value is None or value == "":
        return EMPTY
    return format_html('<pre class="shown-json" tabindex="0">{}</pre>', json_text(value))


def folded(label: str, value: Any) -> str:
    """A value behind a line that opens it."""
    if value is None or value == "":
        return EMPTY
    return format_html("<details><summary>{}</summary>{}</details>", label, json_block(value))


def sentences(items: Iterable[object], *, empty: str = EMPTY) -> str:
    """A list with a line for each item."""
    found = [(item,) for item in items]
    if not found:
        return empty
    return format_html('<ul class="shown-list">{}</ul>', format_html_join("", "<li>{}</li>", found))


def before_after(changes: Iterable[tuple[str, Any, Any]]) -> str:
    """A table of fields, or paths into documents; of lists of names what was taken and added."""
    rows = []
    for path, before, after in changes:
        old, new = before, after
        if _is_names(before) and _is_names(after):
            old, new = _differing(before, after), _differing(after, before)
        rows.append((path, _in_table(old), _in_table(new)))
    if not rows:
        return EMPTY
    return format_html(
        '<table class="shown-changes shown-values"><thead><tr><th scope="col">Field</th>'
        '<th scope="col">Before</th><th scope="col">After</th></tr></thead>'
        "<tbody>{}</tbody></table>",
        format_html_join("", '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>', rows),
    )


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _differing(names: list[str], others: list[str]) -> str:
    found = [name for name in names if name not in others]
    kept = len(names) - len(found)
    return "\n".join([*found, f"… and {kept} in both"] if kept else found)


def _in_table(value: Any) -> str:
    if value is None or value == "":
        return EMPTY
    text = json_text(value)
    return folded("Show", value) if len(text) > SHOWN_IN_TABLE else text
