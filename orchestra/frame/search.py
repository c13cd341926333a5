"""Jumping to a page, a deployment, a design or a run by what a person types, and to verbs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from deployments.models import Deployment
from designs.access import Caller
from designs.models import Design
from executor.models import Execution

SHOWN = 8
# A shortened id is its beginning, its end, or both.
MIN_DIGITS = 6
# The newest runs, among which an end of an id is looked for: no index knows it.
RECENT = 2_000
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_DIGIT = re.compile(r"[0-9]")
_PART = re.compile(r"(?:exec-)?([0-9a-f-]*)(?:(?:…|\.\.\.)([0-9a-f]*))?")
EXECUTE = "deployments.execute_deployment"
CHANGE = "deployments.change_deployment"
# What a person may do: words, URL name, icon, permission.
VERBS = (
    ("New design", "designs:design-new", "plus", "designs.add_design"),
    ("Import a design", "designs:design-import", "plus", "designs.add_design"),
    ("Deploy a design", "deployments:deployment-new", "deploy", "deployments.add_deployment"),
    ("New API key", "deployments:key-new", "key", "deployments.add_apikey"),
)
# With a deployment: words, URL name, icon, permission.
DEPLOYMENT_VERBS = (
    ("Execute", "deployments:deployment-execute", "play", EXECUTE),
    ("Configure", "deployments:deployment-configure", "settings", CHANGE),
)


@dataclass(frozen=True)
class Hit:
    label: str
    url: str
    icon: str
    remark: str = ""
    state: str = ""
    is_code: bool = False


@dataclass(frozen=True)
class Hits:
    label: str
    rows: Sequence[Hit]

    @property
    def key(self) -> str:
        return self.label.lower()


def search(caller: Caller, text: str, places: Iterable[dict[str, Any]]) -> list[Hits]:
    """At most `SHOWN` of each kind, of what the caller may see. At most four queries.

    `places` are the pages of the navigation: `label`, `url`, `icon`.
    """
    runs = list(_runs(caller, text.lower()))
    if runs:
        return [Hits("Runs", runs)]
    verb, rest = _verb_of(text)
    deployments = list(_deployments(caller, rest)) if text else []
    pages = [
        Hit(place["label"], place["url"], place["icon"])
        for place in places
        if _fits(place["label"], text)
    ]
    found = [
        Hits("Pages", pages[:SHOWN]),
        Hits("Actions", _verbs(caller, text, verb, deployments)[:SHOWN]),
        Hits("Deployments", [_deployment(row) for row in deployments if text and not verb]),
        Hits("Designs", list(_designs(caller, text)) if text else []),
    ]
    return [hits for hits in found if hits.rows]


def _fits(label: str, text: str) -> bool:
    words = label.casefold()
    return all(part in words for part in text.casefold().split())


# --- Verbs ----------------------------------------------------------------------------------------


def _verb_of(text: str) -> tuple[str, str]:
    """`exec routing` → `Execute`, `routing`; of another text no verb: `con` may begin a path."""
    first, _, rest = text.strip().partition(" ")
    for verb, *_ in DEPLOYMENT_VERBS:
        if rest and len(first) >= 3 and verb.casefold().startswith(first.casefold()):
            return verb, rest.strip()
    return "", text


def _verbs(caller: Caller, text: str, verb: str, rows: Sequence[Deployment]) -> list[Hit]:
    plain = [
        Hit(words, reverse(name), icon)
        for words, name, icon, permission in VERBS
        if caller.may(permission) and _fits(words, text)
    ]
    if not text:
        return plain
    return plain + [
        Hit(f"{words} {row.endpoint_path}", reverse(name, args=[row.pk]), icon)
        for words, name, icon, permission in DEPLOYMENT_VERBS
        if caller.may(permission) and verb in ("", words)
        for row in rows
        if row.is_active or permission != EXECUTE
    ]


# --- Rows -----------------------------------------------------------------------------------------


def _deployments(caller: Caller, text: str) -> Any:
    rows = Deployment.objects.for_caller(caller).containing(text).order_by("endpoint_path")
    return rows.select_related("design").only(
        "endpoint_path", "status", "design__name"
    )[:SHOWN]  # fmt: skip


def _deployment(row: Deployment) -> Hit:
    url = reverse("deployments:deployment-detail", args=[row.pk])
    return Hit(row.endpoint_path, url, "deploy", remark=row.design.name, is_code=True)


def _designs(caller: Caller, text: str) -> Iterator[Hit]:
    rows = Design.objects.for_caller(caller).filter(name__icontains=text).order_by("name")
    for pk, name in rows.values_list("pk", "name")[:SHOWN]:
        yield Hit(name, reverse("designs:design-edit", args=[pk]), "graph")


def _runs(caller: Caller, text: str) -> Iterator[Hit]:
    """Runs whose id the text is, or a part of it."""
    rows = Execution.objects.for_caller(caller).order_by("-id")
    if whole := _UUID.search(text):
        rows = rows.filter(pk=uuid.UUID(whole.group()))
    elif (part := _PART.fullmatch(text)) and _DIGIT.search(text):
        rows = _alike(rows, *(group.replace("-", "") for group in part.groups(default="")))
    else:
        return
    for row in rows.for_list()[:SHOWN]:
        path = row.deployment.endpoint_path if row.deployment else row.design.name
        url = reverse("executor:execution-detail", args=[row.pk])
        yield Hit(row.public_id, url, "history", path, str(row.status), is_code=True)


def _alike(rows: Any, start: str, end: str) -> Any:
    """Those of the newest with such an id; else those that begin so, by the primary key."""
    if not MIN_DIGITS <= len(start + end) <= 32:
        return rows.none()
    recent = rows.values_list("pk", flat=True)[:RECENT]
    found = [pk for pk in recent if _is_part(pk.hex, start, end)][:SHOWN]
    if found:
        return rows.filter(pk__in=found)
    if end or not start:
        return rows.none()
    first, last = uuid.UUID(start.ljust(32, "0")), uuid.UUID(start.ljust(32, "f"))
    return rows.filter(pk__gte=first, pk__lte=last)


def _is_part(digits: str, start: str, end: str) -> bool:
    if end:
        return digits.startswith(start) and digits.endswith(end)
    return digits.startswith(start) or digits.endswith(start)
