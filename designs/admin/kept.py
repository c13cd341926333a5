"""The admin of documents that are kept as they were: versions, and checkpoints of drafts."""

from __future__ import annotations

from typing import Any

from unfold.decorators import display

from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.shown import json_block, row_link
from designs.models import DesignVersion, DraftCheckpoint
from designs.requests import PageRequest


class KeptDocumentAdmin(ReadOnly, OrchestraAdmin):
    """Rows are read-only; who may change designs restores them."""

    date_hierarchy = "created_at"
    deferred_in_lists = ("document", "design__draft")

    @display(description="Design", ordering="design__name")
    def design_link(self, row: DesignVersion | DraftCheckpoint) -> str:
        return row_link(row.design)

    @display(description="Document")
    def document_text(self, row: DesignVersion | DraftCheckpoint) -> str:
        return json_block(row.document)

    def has_restore_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("designs.change_design")
