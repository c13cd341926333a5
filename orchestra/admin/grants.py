"""Who may grant which rights: nobody grants, or takes over, rights that they lack themselves."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q, QuerySet


def rights_of(row: User | Group | Any) -> QuerySet[Permission]:
    """The permissions of a person or a group, also while the person is inactive."""
    if isinstance(row, Group):
        return row.permissions.all()
    own_or_by_group = Q(user=row.pk) | Q(group__user=row.pk)
    return Permission.objects.filter(own_or_by_group).distinct()


def is_beyond(row: User | Group | Any, giver: User | Any) -> bool:
    """True if the person or group has a permission that the giver lacks."""
    if giver.is_superuser:
        return False
    if isinstance(row, User) and row.is_superuser:
        return True
    return rights_of(row).exclude(pk__in=rights_of(giver).values("pk")).exists()


def permissions_to_give(giver: User | Any) -> QuerySet[Permission]:
    if giver.is_superuser:
        return Permission.objects.all()
    return Permission.objects.filter(pk__in=rights_of(giver).values("pk"))


def groups_to_give(giver: User | Any) -> QuerySet[Group]:
    """Groups without a permission that the giver lacks."""
    if giver.is_superuser:
        return Group.objects.all()
    beyond = Permission.objects.exclude(pk__in=rights_of(giver).values("pk"))
    return Group.objects.exclude(permissions__in=beyond)
