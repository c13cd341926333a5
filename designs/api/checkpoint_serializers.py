"""Serializers of checkpoints of drafts."""

from __future__ import annotations

from rest_framework import serializers

from designs.api.base import StrictSerializer
from designs.models import DraftCheckpoint
from designs.models.checkpoint import Reason

# The server makes checkpoints for the other reasons.
GIVEN = (Reason.BY_HAND, Reason.CONFLICT, Reason.IMPORT, Reason.RESTORE, Reason.SUGGESTIONS)
BY_NAME = [(reason.value, reason.label) for reason in GIVEN]


class CheckpointIn(StrictSerializer):
    """Without a document the draft is kept as it is."""

    document = serializers.DictField(required=False)
    reason = serializers.ChoiceField(choices=BY_NAME, default=Reason.BY_HAND.value)
    revision = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text="What the document is based on; the current revision if not given.",
    )


class CheckpointOut(serializers.Serializer[DraftCheckpoint]):
    id = serializers.UUIDField()
    revision = serializers.IntegerField(
        help_text="Of the draft; of one side of a conflict, what it was based on."
    )
    author = serializers.CharField(
        source="author_name",
        allow_null=True,
        help_text="The name of the user who wrote this document; null for the installation.",
    )
    reason = serializers.ChoiceField(choices=Reason.choices)
    created_at = serializers.DateTimeField()


class CheckpointDetailOut(CheckpointOut):
    document = serializers.JSONField()
