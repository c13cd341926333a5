"""The admin of checkpoints of drafts, which are read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from designs.access import Caller
from designs.admin.kept import KeptDocumentAdmin
from designs.admin.shown import admin_url
from designs.admin.verbs import ActionResult, page_verb
from designs.models import DraftCheckpoint
from designs.requests import PageRequest
from designs.services import restore_checkpoint


@admin.register(DraftCheckpoint)
class DraftCheckpointAdmin(KeptDocumentAdmin):
    list_display = ("state", "design_link", "reason", "author", "created_at")
    list_filter = ("reason", ("author", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("design", "author")
    search_fields = ("design__name",)
    linked_lookups = ("design",)
    fields = ("design_link", "revision", "reason", "author", "created_at", "document_text")
    actions_detail = ("restore",)

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows if caller.may("designs.view_design") else rows.none()

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        return bool(request.caller.may("designs.view_design"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    @display(description="State", ordering="revision")
    def state(self, checkpoint: DraftCheckpoint) -> str:
        return f"r{checkpoint.revision}"

    @page_verb(
        "Restore", "restore", icon="undo", title="Restore {row}",
        text="The draft is replaced by this document, and becomes a checkpoint itself.",
        button="Restore as draft",
    )  # fmt: skip
    def restore(
        self, request: PageRequest, row: DraftCheckpoint, data: dict[str, Any]
    ) -> ActionResult:
        design = restore_checkpoint(checkpoint=row, caller=request.caller)
        return ActionResult(f"{row} is the draft of {design} again.", admin_url(design))
