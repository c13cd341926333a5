"""The API of keys: list, make, rotate, revoke. A secret is in one answer and nowhere else."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from deployments.access.keys import MAX_OVERLAP_SECONDS, create_key, revoke_key, rotate_key
from deployments.models import CALL_LIMITS, ApiKey, Deployment
from designs.access import SCOPES
from designs.api.base import ApiView, StrictSerializer
from designs.api.fields import MomentField, field_in, field_out
from designs.api.lists import Pages, answer_page

MAX_BOUND = 200


class KeyIn(StrictSerializer):
    """Without deployments the key is good for all that its owner sees."""

    name = serializers.CharField(max_length=200, allow_blank=True, default="")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=SCOPES), min_length=1, max_length=len(SCOPES)
    )
    deployment_ids = serializers.ListField(
        child=serializers.UUIDField(), max_length=MAX_BOUND, default=list
    )
    expires_at = MomentField(allow_null=True, default=None)

    def get_fields(self) -> dict[str, Any]:
        limits = {name: field_in(ApiKey._meta.get_field(name)) for name in CALL_LIMITS}
        return {**super().get_fields(), **limits}

    def validate_expires_at(self, at: Any) -> Any:
        if at is not None and at <= timezone.now():
            raise serializers.ValidationError("This time has passed. Choose a later one, or none.")
        return at


class RotateIn(StrictSerializer):
    overlap_seconds = serializers.IntegerField(
        min_value=0,
        max_value=MAX_OVERLAP_SECONDS,
        default=0,
        help_text="How long the secret before this one goes on working.",
    )


class KeyOut(serializers.Serializer[ApiKey]):
    """A key without its secret."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    prefix = serializers.CharField(help_text="The key reads `orc_<prefix>_…`.")
    owner = serializers.CharField(source="owner.username")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    made_by = serializers.UUIDField(
        source="made_by_id", allow_null=True, help_text="The key that made it, with which it ends."
    )
    deployment_ids = serializers.SerializerMethodField()
    is_usable = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)
    overlap_until = serializers.SerializerMethodField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    last_used_address = serializers.CharField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        limits = {name: field_out(ApiKey._meta.get_field(name)) for name in CALL_LIMITS}
        return {**super().get_fields(), **limits}

    def get_deployment_ids(self, key: ApiKey) -> list[str]:
        return sorted(str(deployment.pk) for deployment in key.deployments.all())

    def get_overlap_until(self, key: ApiKey) -> str | None:
        until = key.previous_until
        return until.isoformat().replace("+00:00", "Z") if key.is_overlapping and until else None


class KeyMadeOut(KeyOut):
    """The one answer that holds the key itself."""

    key = serializers.SerializerMethodField()

    def get_key(self, key: ApiKey) -> str:
        return str(self.context["text"])


class KeyBase(ApiView):
    def rows(self) -> Any:
        # A key's owner may have lost sight of a deployment that the key is bound to.
        seen = Prefetch("deployments", queryset=Deployment.objects.for_caller(self.caller))
        rows = ApiKey.objects.for_caller(self.caller).with_makers().select_related("owner")
        return rows.prefetch_related(seen)

    def made(self, key: ApiKey, text: str, code: int) -> Response:
        answer = Response(KeyMadeOut(self.rows().get(pk=key.pk), context={"text": text}).data, code)
        answer["Cache-Control"] = "no-store"
        return answer


class KeyListView(KeyBase):
    """One's own keys; an administrator sees everybody's."""

    permissions = {"GET": "deployments.view_apikey", "POST": "deployments.add_apikey"}

    @extend_schema(operation_id="keys_list", responses={200: KeyOut(many=True)})
    def get(self, request: Request) -> Response:
        return answer_page(self, Pages(), self.rows().order_by("-created_at", "-id"), KeyOut)

    @extend_schema(operation_id="keys_create", request=KeyIn, responses={201: KeyMadeOut})
    def post(self, request: Request) -> Response:
        """Make a key for oneself. `key` is shown in this answer only: keep it.

        A key makes only keys that can do no more than itself.
        """
        fields = self.body(KeyIn)
        pks = set(fields.pop("deployment_ids"))
        deployments = list(Deployment.objects.for_caller(self.caller).filter(pk__in=pks))
        missing = pks - {deployment.pk for deployment in deployments}
        if missing:
            problem = f"There is no deployment {sorted(map(str, missing))[0]}."
            raise serializers.ValidationError({"deployment_ids": [problem]})
        key, text = create_key(
            owner=get_object_or_404(User, pk=self.caller.user_id),
            deployments=deployments,
            maker=self.caller,
            **fields,
        )
        answer = self.made(key, text, status.HTTP_201_CREATED)
        answer["Location"] = f"/api/keys/{key.pk}"
        return answer


class KeyDetailView(KeyBase):
    """One key: look at it, revoke it."""

    permissions = {"GET": "deployments.view_apikey", "DELETE": "deployments.delete_apikey"}

    @extend_schema(operation_id="keys_read", responses={200: KeyOut})
    def get(self, request: Request, pk: str) -> Response:
        return Response(KeyOut(get_object_or_404(self.rows(), pk=pk)).data)

    @extend_schema(operation_id="keys_delete", responses={204: None})
    def delete(self, request: Request, pk: str) -> Response:
        """Revoke the key: it stops working at once, everywhere. Its row stays for the audit."""
        revoke_key(key=get_object_or_404(self.rows(), pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class KeyRotateView(KeyBase):
    """Renew a key's secret."""

    permissions = {"POST": "deployments.add_apikey"}

    @extend_schema(operation_id="keys_rotate", request=RotateIn, responses={200: KeyMadeOut})
    def post(self, request: Request, pk: str) -> Response:
        """A new secret, shown in this answer only. The one before works for `overlap_seconds`."""
        key = get_object_or_404(self.rows(), pk=pk)
        overlap = self.body(RotateIn)
        # The new secret lets its reader act as the key's owner.
        if key.owner_id != self.caller.user_id and not self.caller.is_superuser:
            raise PermissionDenied("Only its owner can rotate a key. You may revoke it.")
        key, text = rotate_key(key=key, maker=self.caller, **overlap)
        return self.made(key, text, status.HTTP_200_OK)
