"""Deployments whose tools are not offered any more take no calls until they are repaired."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from deployments.models import Deployment
from designs.auditing.audit import note_change
from designs.graph.nesting import TYPES
from designs.graph.spec import Graph
from executor.tool_connections.naming import tool_problems


def may_name_tools(graph: Graph) -> bool:
    """Whether an agent names tools, or there are blocks that may have others in place: only then is
    the version's document read.
    """
    return any(
        block.type in TYPES or any(agent.tools for agent in block.agents) for block in graph.blocks
    )


def stop_without_tools(row: Deployment) -> None:
    """active → error, with the reason, in the row that was read too; nothing if all is there. A
    version that names no tool costs no statement.
    """
    if row.status != Deployment.Status.ACTIVE:
        return
    problems = tool_problems(row.version.document)
    if not problems:
        return
    changes = {"status": Deployment.Status.ERROR, "status_reason": problems[0].message[:500]}
    with transaction.atomic():
        active = Deployment.objects.present().filter(pk=row.pk, status=Deployment.Status.ACTIVE)
        if active.update(**changes, updated_at=Now()):
            note_change(row, changes)
    row.status, row.status_reason = changes["status"], changes["status_reason"]
