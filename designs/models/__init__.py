"""Rows of designs, and rows that all apps share."""

from designs.models.audit import Action, AuditEntry, AuditEntryQuerySet
from designs.models.checkpoint import DraftCheckpoint
from designs.models.design import Design, DesignQuerySet, DesignVersion
from designs.models.grant import GroupGrant
from designs.models.nested import NestedUse
from designs.models.pruning import AuditPruning
from designs.models.session import PersonSession

__all__ = [
    "Action",
    "AuditEntry",
    "AuditEntryQuerySet",
    "AuditPruning",
    "Design",
    "DesignQuerySet",
    "DesignVersion",
    "DraftCheckpoint",
    "GroupGrant",
    "NestedUse",
    "PersonSession",
]
