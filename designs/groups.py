"""Grants the installation's groups their permissions, each permission once."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Max

from designs.access import GROUPS
from designs.models import GroupGrant


def ensure_groups() -> None:
    """Create the groups, grant each its new permissions, and revoke those that were granted earlier
    but are no longer declared.

    What administrators have granted or revoked since then stays. Safe to call at any time.
    """
    rows = Permission.objects.select_related("content_type")
    every = {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
    with transaction.atomic():
        # Installations from before grants were recorded: permissions have rising numbers, and
        # administrators got all of them, so those after the last one of any group are new. Read
        # before anything is granted.
        older_rows = Permission.objects.filter(group__name__in=GROUPS)
        last = older_rows.aggregate(last=Max("pk"))["last"] or 0
        older = {permission for permission, row in every.items() if row.pk <= last}
        for name, permissions in GROUPS.items():
            group, is_new = Group.objects.get_or_create(name=name)
            grants = GroupGrant.objects.filter(group=name)
            granted = set(grants.values_list("permission", flat=True))
            declared = set(every) if permissions is None else set(permissions) & set(every)
            new = declared if is_new else declared - (granted or older)
            if new:
                group.permissions.add(*(every[permission] for permission in sorted(new)))
            dropped = (granted & set(every)) - declared
            if dropped:
                # With its record, so that a later grant by an administrator is not revoked.
                group.permissions.remove(*(every[permission] for permission in dropped))
                grants.filter(permission__in=dropped).delete()
            GroupGrant.objects.bulk_create(
                [GroupGrant(group=name, permission=item) for item in sorted(declared - granted)],
                ignore_conflicts=True,
            )
