"""The API of callbacks: what was delivered, once more, and the secret they are signed with."""

from __future__ import annotations

from typing import Any

import django_filters
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.api.keys import RotateIn
from deployments.callbacks.deliveries import change_secret, redeliver
from deployments.models import Delivery, Deployment
from designs.api.base import ID, ApiView
from designs.api.lists import BoundedPages, answer_page

DELIVERY_ID = ID.replace("<pk>", "<delivery_id>")


class TryOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    status_code = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    duration_ms = serializers.IntegerField()


class DeliveryOut(serializers.Serializer[Delivery]):
    """A callback and its last tries."""

    id = serializers.UUIDField()
    message_id = serializers.CharField(help_text="The `webhook-id` header, the same at every try.")
    log_id = serializers.UUIDField(source="execution_id")
    event = serializers.ChoiceField(
        choices=("end", "waiting"), help_text="What it tells of: the run's end, or that it waits."
    )
    url = serializers.SerializerMethodField(
        help_text="Null for those who may not change the deployment, as its `callback_url`."
    )
    status = serializers.ChoiceField(choices=Delivery.Status.choices)
    attempts = serializers.IntegerField()
    tries = TryOut(many=True, source="log")
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    next_attempt_at = serializers.SerializerMethodField()

    def get_url(self, delivery: Delivery) -> str | None:
        may = self.context["caller"].may("deployments.change_deployment")
        return delivery.url if may else None

    def get_next_attempt_at(self, delivery: Delivery) -> str | None:
        waits = delivery.status == Delivery.Status.PENDING
        return delivery.next_attempt_at.isoformat().replace("+00:00", "Z") if waits else None


class SecretOut(serializers.Serializer[Any]):
    """The one answer that holds the secret."""

    secret = serializers.CharField()


class DeploymentPart(ApiView):
    def deployment(self, pk: str) -> Deployment:
        rows = Deployment.objects.for_caller(self.caller).select_related("version")
        return get_object_or_404(rows, pk=pk)

    def deliveries(self, pk: str) -> Any:
        rows = Delivery.objects.for_caller(self.caller)
        return rows.filter(deployment=self.deployment(pk)).select_related("execution")


class DeliveryFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Delivery.Status.choices)

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = ()


class DeliveryListView(DeploymentPart):
    """Callbacks of a deployment, newest first."""

    permissions = {"GET": "deployments.view_delivery"}

    @extend_schema(
        operation_id="deployments_deliveries",
        parameters=[OpenApiParameter("status", enum=Delivery.Status.values)],
        responses={200: DeliveryOut(many=True)},
    )
    def get(self, request: Request, pk: str) -> Response:
        rows = self.deliveries(pk).order_by("-id")
        return answer_page(
            self, BoundedPages(), rows, DeliveryOut, filters=DeliveryFilter, large=("log",)
        )


class DeliveryRedeliverView(DeploymentPart):
    """Send a callback once more."""

    permissions = {"POST": "executor.operate_execution"}

    @extend_schema(operation_id="deployments_redeliver", request=None, responses={202: DeliveryOut})
    def post(self, request: Request, pk: str, delivery_id: str) -> Response:
        """Now, whatever became of it before; with the same message id."""
        delivery = get_object_or_404(self.deliveries(pk), pk=delivery_id)
        redeliver(delivery=delivery)
        answer = DeliveryOut(
            self.deliveries(pk).get(pk=delivery.pk), context={"caller": self.caller}
        ).data
        return Response(answer, status=status.HTTP_202_ACCEPTED)


class CallbackSecretView(DeploymentPart):
    """The secret that callbacks of a deployment are signed with."""

    permissions = {"POST": "deployments.change_deployment"}

    @extend_schema(
        operation_id="deployments_callback_secret", request=RotateIn, responses={200: SecretOut}
    )
    def post(self, request: Request, pk: str) -> Response:
        """A new secret, shown in this answer only. For `overlap_seconds` both sign."""
        deployment = self.deployment(pk)
        text = change_secret(deployment=deployment, **self.body(RotateIn))
        return Response({"secret": text}, headers={"Cache-Control": "no-store"})
