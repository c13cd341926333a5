"""HTML parts of admin pages: badges, links, JSON, lists. All texts are escaped."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join

# Characters of one value; exports and the API have all of it.
MAX_SHOWN = 100_000
# Longer values are folded in a table.
MAX_IN_TABLE = 300
EMPTY = "-"


def badge(text: str, kind: str = "") -> str:
    """A coloured label; kinds: success, danger, warning, info, primary, none."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


def state_badge(state: str, word: str) -> str:
    """The same sign and word as on the pages."""
    return render_to_string("includes/_state.html", {"state": state, "word": word})


def link(url: str, text: object) -> str:
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def admin_url(row: models.Model, page: str = "change") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def entries_url(content_type_id: int, object_pk: str) -> str:
    """The URL of an object's audit entries."""
    query = urlencode({"content_type__id__exact": content_type_id, "object_pk": object_pk})
    return f"{reverse('admin:designs_auditentry_changelist')}?{query}"


def row_link(row: models.Model | None, text: object = "") -> str:
    return EMPTY if row is None else link(admin_url(row), text or row)


def json_text(value: Any) -> str:
    """Indented JSON of limited length."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    if len(text) <= MAX_SHOWN:
        return text
    return f"{text[:MAX_SHOWN]}\n… ({len(text) - MAX_SHOWN:,} more characters)"


def json_block(value: Any) -> str:
    if value is None or value == "":
        return EMPTY
    return format_html('<pre class="shown-json" tabindex="0">{}</pre>', json_text(value))


def folded(label: str, value: Any) -> str:
    """A value as JSON that is shown on demand."""
    if value is None or value == "":
        return EMPTY
    return format_html("<details><summary>{}</summary>{}</details>", label, json_block(value))


def sentences(items: Iterable[object], *, empty: str = EMPTY) -> str:
    lines = [(item,) for item in items]
    if not lines:
        return empty
    return format_html('<ul class="shown-list">{}</ul>', format_html_join("", "<li>{}</li>", lines))


def before_after(changes: Iterable[tuple[str, Any, Any]]) -> str:
    """A table of changes: (field or path, before, after). Of lists of names only the difference."""
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
    own = [name for name in names if name not in others]
    common = len(names) - len(own)
    return "\n".join([*own, f"… and {common} in both"] if common else own)


def _in_table(value: Any) -> str:
    if value is None or value == "":
        return EMPTY
    text = json_text(value)
    return folded("Show", value) if len(text) > MAX_IN_TABLE else text
