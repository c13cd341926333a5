"""Whether the groups that a design asks are there, with enough people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import Group
from django.db.models import Count, Q

from designs.graph.report import excerpt
from designs.graph.spec import Problem


def problems_of_deciders(document: dict[str, Any]) -> list[Problem]:
    """Approvals of a checked document that nobody could give: with their places."""
    asked = list(_asked(document))
    if not asked:
        return []
    rows = Group.objects.filter(name__in={group for _, group, _ in asked})
    counted = rows.annotate(active=Count("user", filter=Q(user__is_active=True)))
    members = dict(counted.values_list("name", "active"))
    found = []
    for path, group, required in asked:
        if group not in members:
            sentence = (
                f"There is no group `{excerpt(group)}`. Name one that exists, or have it created."
            )
            found.append(Problem(f"{path}/group", sentence))
        elif required > members[group]:
            needed = "1 approval is" if required == 1 else f"{required} approvals are"
            has = f"{members[group] or 'no'} active member{'' if members[group] == 1 else 's'}"
            sentence = (
                f"{needed} needed, and the group `{excerpt(group)}` has {has}. "
                "Ask for fewer, or add members."
            )
            found.append(Problem(f"{path}/required", sentence))
    return found


def _asked(document: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    """The settings' place, the group and the number of approvals of each block that asks."""
    for number, block in enumerate(document.get("blocks") or ()):
        if block.get("type") == "approval":
            settings = block.get("settings") or {}
            required = int(settings.get("required", 1))
            yield f"/blocks/{number}/settings", str(settings.get("group", "")), required
