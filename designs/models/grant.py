"""Records of the permissions granted to the installation's groups, so that each is granted once."""

from django.db import models


class GroupGrant(models.Model):
    """A permission (`app.codename`) that was granted to a group. An administrator may have revoked
    it since.
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
