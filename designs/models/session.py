"""Whose a session is: the session itself says so only in its signed text."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class PersonSession(models.Model):
    """Written by the store of sessions at each sign-in and change of a session's key."""

    session_key = models.CharField(max_length=40, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"session of {self.user_id}"
