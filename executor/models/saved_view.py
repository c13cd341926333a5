"""Filters of the history that a person keeps under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from designs.rows.ids import new_id

MAX_VIEWS = 50
MAX_QUERY = 2_000


class SavedView(models.Model):
    """A person's own: nobody else sees it."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views"
    )
    name = models.CharField(max_length=80)
    # The query string of the history, without the place in its pages.
    query = models.CharField(max_length=MAX_QUERY, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ("name", "pk")
        constraints = [
            models.UniqueConstraint(fields=("user", "name"), name="savedview_of_user_named"),
        ]

    def __str__(self) -> str:
        return self.name
