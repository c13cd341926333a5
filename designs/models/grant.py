"""What the installation has given to its own groups, so that it gives nothing a second time."""

from django.db import models


class GroupGrant(models.Model):
    """A permission (`app.codename`) that a group was given once; an administrator may have taken it
    away since.
    """

    group = models.CharField(max_length=150)
    permission = models.CharField(max_length=200)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=("group", "permission"), name="groupgrant_once"),
        ]

    def __str__(self) -> str:
        return f"{self.group}: {self.permission}"
