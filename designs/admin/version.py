"""The admin of published versions, which are read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.utils.text import slugify
from unfold.decorators import action, display

from designs.access import Caller
from designs.admin.kept import KeptDocumentAdmin
from designs.admin.shown import EMPTY, admin_url
from designs.admin.verbs import ActionResult, page_verb
from designs.models import DesignVersion
from designs.requests import PageRequest, file_answer
from designs.services import export_version, restore_version


@admin.register(DesignVersion)
class DesignVersionAdmin(KeptDocumentAdmin):
    list_display = ("version", "design_link", "note", "created_by", "created_at")
    list_filter = (("created_by", admin.RelatedOnlyFieldListFilter), "created_at")
    list_select_related = ("design", "created_by")
    search_fields = ("design__name", "note")
    ordering = ("-created_at",)
    fields = (
        "design_link",
        "number",
        "note",
        "created_by",
        "created_at",
        "played_designs",
        "document_text",
    )
    actions_detail = ("export", "restore")

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows if caller.may("designs.view_designversion") else rows.none()

    @display(description="Version", ordering="number")
    def version(self, version: DesignVersion) -> str:
        return f"v{version.number}"

    @display(description="Plays")
    def played_designs(self, version: DesignVersion) -> str:
        plays = version.plays.select_related("design").order_by("path", "design__name")
        names = [use.path or f"{use.design} v{use.number}" for use in plays]
        return ", ".join(names) or EMPTY

    @action(description="Export JSON", url_path="export", permissions=["view"], icon="download")
    def export(self, request: PageRequest, object_id: str) -> HttpResponse:
        version = self.row(request, object_id)
        name = f"{slugify(version.design.name) or 'design'}-v{version.number}.json"
        return file_answer(export_version(version), name)

    @page_verb(
        "Restore", "restore", icon="undo", title="Restore {row}",
        text="The draft is replaced by this version's document. Published versions stay.",
        button="Restore as draft",
    )  # fmt: skip
    def restore(
        self, request: PageRequest, row: DesignVersion, data: dict[str, Any]
    ) -> ActionResult:
        design = restore_version(version=row, caller=request.caller)
        return ActionResult(f"{row} is the draft of {design} again.", admin_url(design))
