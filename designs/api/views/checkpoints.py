"""The API of checkpoints: list, read, add, restore earlier states of a draft."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.checkpoint_serializers import CheckpointDetailOut, CheckpointIn, CheckpointOut
from designs.api.lists import Pages, answer_page
from designs.api.serializers import DesignOut
from designs.api.views.base import DesignBase
from designs.drafts.checkpoints import keep_checkpoint
from designs.models import DraftCheckpoint
from designs.services import restore_checkpoint


class CheckpointBase(DesignBase):
    def checkpoint(self, pk: str, checkpoint_id: str) -> DraftCheckpoint:
        design = self.design(pk)
        rows = design.checkpoints.select_related("author")
        checkpoint = get_object_or_404(rows, pk=checkpoint_id)
        checkpoint.design = design
        return checkpoint


class DesignCheckpointListView(CheckpointBase):
    """Earlier states of the draft, newest first."""

    permissions = {"GET": "designs.view_design", "POST": "designs.change_design"}

    @extend_schema(
        operation_id="designs_checkpoints",
        parameters=[OpenApiParameter("limit", type=int), OpenApiParameter("offset", type=int)],
        responses={200: CheckpointOut(many=True)},
    )
    def get(self, request: Request, pk: str) -> Response:
        rows = self.design(pk).checkpoints.defer("document").select_related("author")
        return answer_page(self, Pages(), rows, CheckpointOut)

    @extend_schema(
        operation_id="designs_checkpoint_create",
        request=CheckpointIn,
        responses={201: CheckpointOut},
    )
    def post(self, request: Request, pk: str) -> Response:
        """Keep the draft, or a document that will not become it: one side of a conflict."""
        design = self.design(pk)
        checkpoint = keep_checkpoint(design=design, caller=self.caller, **self.body(CheckpointIn))
        return Response(
            CheckpointOut(checkpoint).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/designs/{design.pk}/checkpoints/{checkpoint.pk}"},
        )


class DesignCheckpointDetailView(CheckpointBase):
    """One checkpoint with its document."""

    permissions = {"GET": "designs.view_design"}

    @extend_schema(operation_id="designs_checkpoint", responses={200: CheckpointDetailOut})
    def get(self, request: Request, pk: str, checkpoint_id: str) -> Response:
        return Response(CheckpointDetailOut(self.checkpoint(pk, checkpoint_id)).data)


class DesignCheckpointRestoreView(CheckpointBase):
    """Replace the draft with a checkpoint. The draft before it becomes a checkpoint."""

    permissions = {"POST": "designs.change_design"}

    @extend_schema(
        operation_id="designs_checkpoint_restore", request=None, responses={200: DesignOut}
    )
    def post(self, request: Request, pk: str, checkpoint_id: str) -> Response:
        checkpoint, revisions = self.checkpoint(pk, checkpoint_id), self.revisions
        design = restore_checkpoint(checkpoint=checkpoint, caller=self.caller, revisions=revisions)
        return self.design_response(design)
