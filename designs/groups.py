"""Gives the installation's groups what they may, each permission once."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Max

from designs.access import GROUPS
from designs.models import GroupGrant


def ensure_groups() -> None:
    """Make the five groups, give each the permissions that are new for it, and take back those that
    were given once and are not declared any more.

    What an administrator took away since it was given stays away, and what one gave stays. May be
    called at any time.
    """
    rows = Permission.objects.select_related("content_type")
    every = {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
    with transaction.atomic():
        # Before anything is given: it would hide what groups of an older installation lack.
        older = _there_before(every)
        for name, wanted in GROUPS.items():
            group, made = Group.objects.get_or_create(name=name)
            given = set(GroupGrant.objects.filter(group=name).values_list("permission", flat=True))
            declared = set(every) if wanted is None else set(wanted) & set(every)
            new = declared if made else declared - (given or older)
            if new:
                group.permissions.add(*(every[permission] for permission in sorted(new)))
            _take_back(group, {every[one] for one in (given & set(every)) - declared})
            GroupGrant.objects.bulk_create(
                [GroupGrant(group=name, permission=one) for one in sorted(declared - given)],
                ignore_conflicts=True,
            )


def _take_back(group: Group, rows: set[Permission]) -> None:
    """Once: whoever gives it to the group after this keeps it."""
    if rows:
        group.permissions.remove(*rows)
        names = [f"{row.content_type.app_label}.{row.codename}" for row in rows]
        GroupGrant.objects.filter(group=group.name, permission__in=names).delete()


def _there_before(every: dict[str, Permission]) -> set[str]:
    """What groups could be given that were made before it was kept what they are given.

    Permissions have rising numbers, and administrators got all there were: what came after the last
    one that any group has is new.
    """
    last = Permission.objects.filter(group__name__in=GROUPS).aggregate(last=Max("pk"))["last"] or 0
    return {permission for permission, row in every.items() if row.pk <= last}
