"""The read-only admin of saved views of the history, for superusers: each is one person's own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnly
from executor.models import SavedView


@admin.register(SavedView)
class SavedViewAdmin(ReadOnly, OrchestraAdmin):
    list_display = ("name", "user", "query", "created_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username")
    fields = ("user", "name", "query", "created_at")

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows if caller.is_superuser else rows.none()

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.caller.is_superuser)
