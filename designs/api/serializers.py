"""Shapes of designs in the API."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from designs.api.base import StrictSerializer
from designs.models import Design, DesignVersion
from designs.services import check_draft


class DesignIn(StrictSerializer):
    """A draft may have problems: they are answered, not refused."""

    document = serializers.DictField()


class PublishIn(StrictSerializer):
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ProblemOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    message = serializers.CharField()


class DesignBrief(serializers.Serializer[Design]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    latest_version = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class DesignOut(DesignBrief):
    """A design with its draft and the draft's problems."""

    document = serializers.JSONField(source="draft")
    problems = serializers.SerializerMethodField()

    def get_problems(self, design: Design) -> list[dict[str, str]]:
        return [{"path": p.path, "message": p.message} for p in check_draft(design).problems]


class VersionOut(serializers.Serializer[DesignVersion]):
    id = serializers.UUIDField()
    version = serializers.IntegerField(source="number")
    note = serializers.CharField()
    created_at = serializers.DateTimeField()


class VersionDetailOut(VersionOut):
    document = serializers.JSONField()
