"""The API of the audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import django_filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from designs.api.base import ApiView
from designs.api.filters import TimeFilter
from designs.api.lists import BoundedCursorPages, answer_page
from designs.auditing.audit import kinds
from designs.auditing.files import entry_as_json
from designs.models import Action, AuditEntry

ACTIONS = {action.name.lower(): action for action in Action if action != Action.ACCESS}
_TIME = {"type": "string", "format": "date-time"}


def _models() -> list[tuple[str, str]]:
    return [(f"{kind.app_label}.{kind.model}", str(kind.name)) for kind in kinds()]


class AuditFilter(django_filters.FilterSet):
    actor = django_filters.CharFilter(field_name="actor_name", max_length=200)
    model = django_filters.ChoiceFilter(choices=_models, method="of_model")
    object = django_filters.CharFilter(field_name="object_pk", max_length=255)
    action = django_filters.MultipleChoiceFilter(
        choices=[(name, action.label) for name, action in ACTIONS.items()], method="by_action"
    )
    since = TimeFilter(method="from_time")
    until = TimeFilter(method="until_time")

    class Meta:
        model = AuditEntry
        fields: tuple[str, ...] = ()

    def of_model(self, rows: Any, name: str, value: str) -> Any:
        app, _, model = value.partition(".")
        return rows.filter(
            content_type__in=[k.pk for k in kinds() if (k.app_label, k.model) == (app, model)]
        )

    def by_action(self, rows: Any, name: str, values: list[str]) -> Any:
        return rows.filter(action__in=[ACTIONS[value] for value in values]) if values else rows

    def from_time(self, rows: Any, name: str, value: datetime) -> Any:
        return rows.since(value)

    def until_time(self, rows: Any, name: str, value: datetime) -> Any:
        return rows.until(value)


class ChangeOut(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="A field, or a path into a document.")
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class AuditEntryOut(serializers.Serializer[AuditEntry]):
    """Who did what, when, and from where; `(secret)` stands for masked values."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    action = serializers.ChoiceField(choices=list(ACTIONS))
    actor = serializers.CharField(help_text="A person, `system`, or `nobody` (not signed in).")
    actor_id = serializers.IntegerField(allow_null=True)
    key = serializers.CharField(allow_null=True, help_text="The API key that spoke for the actor.")
    key_id = serializers.UUIDField(allow_null=True)
    address = serializers.CharField(allow_null=True)
    model = serializers.CharField(help_text="As `deployments.deployment`.")
    object_id = serializers.CharField()
    object = serializers.CharField(help_text="How it was called then.")
    changes = ChangeOut(many=True)
    details = serializers.DictField()
    correlation_id = serializers.CharField(
        allow_null=True, help_text="The same for all that one request did."
    )

    def to_representation(self, instance: AuditEntry) -> dict[str, Any]:
        return entry_as_json(instance, self.context["caller"])


class AuditListView(ApiView):
    """The audit, newest first."""

    permissions = {"GET": "designs.view_auditentry"}
    pagination_class = BoundedCursorPages

    @extend_schema(
        operation_id="audit_list",
        parameters=[
            OpenApiParameter("actor", description="A person's name, `system` or `nobody`."),
            OpenApiParameter("model", description="As `deployments.deployment`."),
            OpenApiParameter("object", description="The object's id; usually with `model`."),
            OpenApiParameter(
                "action", many=True, enum=list(ACTIONS), description="One or several; repeat it."
            ),
            OpenApiParameter("since", type=_TIME, description="At that time or later."),
            OpenApiParameter("until", type=_TIME, description="Before that time."),
        ],
        responses={200: AuditEntryOut(many=True)},
    )
    def get(self, request: Request) -> Response:
        """For administrators; a key needs the scope `manage`.

        Runs started by calls of endpoints are in the execution log.
        """
        rows = AuditEntry.objects.for_caller(self.caller)
        return answer_page(
            self, BoundedCursorPages(), rows, AuditEntryOut, filters=AuditFilter, large=("changes",)
        )
