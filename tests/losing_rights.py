"""Ways in which somebody who may see a thing loses that while it is open before them."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session

# The right is one of the user's only group.
LOSSES: dict[str, Callable[[User, str], object]] = {
    "the session": lambda user, right: Session.objects.all().delete(),
    "the account": lambda user, right: User.objects.filter(pk=user.pk).update(is_active=False),
    "the password": lambda user, right: User.objects.filter(pk=user.pk).update(password="another"),
    "the group": lambda user, right: user.groups.clear(),
    "the right": lambda user, right: user.groups.get().permissions.remove(
        Permission.objects.get(codename=right)
    ),
}
