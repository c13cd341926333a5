"""The admin of API keys: made, rotated and revoked; a secret is shown once."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Prefetch
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.contrib.filters.admin import RadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from deployments.access.keys import create_key, revoke_key, rotate_key
from deployments.admin.forms import KeyForm, OverlapForm
from deployments.admin.shown import key_badge
from deployments.errors import KeyBeyond, KeyRevoked
from deployments.models import CALL_LIMITS, ApiKey, Deployment
from designs.admin.base import OrchestraAdmin, ReadOnlyInline, become
from designs.admin.filters import VisibleFilter
from designs.admin.shown import badge, row_link, sentences
from designs.admin.verbs import ActionResult, bulk_verb, page_verb, posted
from designs.requests import PageRequest

ONCE = "The key is {text} – copy it now: it cannot be shown again."


class WorksFilter(RadioFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("works", "Works"), ("expired", "Expired"), ("revoked", "Revoked")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        now = timezone.now()
        chosen = self.value()
        if chosen == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        if chosen == "expired":
            return queryset.filter(revoked_at=None, expires_at__lte=now)
        if chosen == "works":
            return queryset.filter(revoked_at=None).exclude(expires_at__lte=now)
        return queryset


@admin.register(ApiKey)
class ApiKeyAdmin(OrchestraAdmin):
    form = KeyForm
    list_display = (
        "key", "name", "owner", "state", "scope_badges", "works_for", "expires_at", "last_used_at",
    )  # fmt: skip
    list_filter = (WorksFilter, ("deployments", VisibleFilter), "created_at")
    list_select_related = ("owner", "made_by__made_by__made_by__made_by__made_by")
    search_fields = ("prefix", "name", "owner__username")
    date_hierarchy = "created_at"
    fields = (
        "key", "state", "name", "owner", "made_by", "scope_badges", "works_for", *CALL_LIMITS,
        "created_at", "expires_at", "revoked_at", "previous_until",
        "last_used_at", "last_used_address",
    )  # fmt: skip
    add_fieldsets = (
        (None, {"fields": ("name", "scopes", "deployments", "expires_at")}),
        ("Limits", {"fields": CALL_LIMITS}),
    )
    autocomplete_fields = ("deployments",)
    actions = (
        bulk_verb("revoke_selected", "Revoke", "revoke", "{count} revoked.",
                  lambda row, _: revoke_key(key=row)),
    )  # fmt: skip
    actions_detail = ("rotate", "revoke")
    refusals = {**OrchestraAdmin.refusals, KeyBeyond: "", KeyRevoked: ""}

    # --- Rights: a key changes by rotating and revoking only, and its row stays -------------------

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_rotate_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.add_apikey")

    def has_revoke_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("deployments.delete_apikey")

    def get_queryset(self, request: Any) -> Any:
        # A key's owner may have lost sight of a deployment that the key is bound to.
        seen = Prefetch("deployments", queryset=Deployment.objects.for_caller(request.caller))
        rows = super().get_queryset(request).annotate(bound_count=Count("deployments"))
        return rows.prefetch_related(seen)

    def get_actions_detail(self, request: PageRequest, object_id: Any) -> list[Any]:
        """A revoked key has none."""
        row = self.get_object(request, str(object_id))
        works = row is not None and row.revoked_at is None
        return super().get_actions_detail(request, object_id) if works else []

    # --- Columns ----------------------------------------------------------------------------------

    @display(description="Key", ordering="prefix")
    def key(self, key: ApiKey) -> str:
        return str(key)

    @display(description="State")
    def state(self, key: ApiKey) -> str:
        return key_badge(key)

    @display(description="Scopes")
    def scope_badges(self, key: ApiKey) -> str:
        return sentences(badge(str(scope)) for scope in key.scopes)

    @display(description="Deployments")
    def works_for(self, key: Any) -> str:
        if not key.bound_count:
            return "All that its owner sees"
        seen = [row_link(deployment) for deployment in key.deployments.all()]
        hidden = [] if len(seen) == key.bound_count else ["Others that you do not see"]
        return sentences(seen + hidden)

    # --- Writing ----------------------------------------------------------------------------------

    def get_field_queryset(self, db: Any, db_field: Any, request: Any) -> Any:
        rows = super().get_field_queryset(db, db_field, request)
        return rows.present() if db_field.name == "deployments" else rows

    def store(self, request: Any, obj: ApiKey, form: KeyForm, change: bool) -> None:
        data = form.cleaned_data
        key, text = create_key(
            owner=request.user,
            scopes=data["scopes"],
            name=data["name"],
            deployments=data["deployments"],
            expires_at=data["expires_at"],
            maker=request.caller,
            **{name: data[name] for name in CALL_LIMITS},
        )
        become(obj, key)
        self.message_user(request, ONCE.format(text=text), messages.WARNING)

    # --- Verbs ------------------------------------------------------------------------------------

    @action(
        description="Rotate", url_path="rotate", permissions=["rotate"], icon="autorenew",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def rotate(self, request: PageRequest, object_id: str) -> HttpResponse:
        key = self.row(request, object_id)
        # The new secret lets its reader act as the owner.
        if key.owner_id != request.caller.user_id and not request.caller.is_superuser:
            raise PermissionDenied("Only its owner can rotate a key. You may revoke it.")

        def act(data: dict[str, Any]) -> ActionResult:
            _, text = rotate_key(key=key, maker=request.caller, **data)
            self.message_user(request, ONCE.format(text=text), messages.WARNING)
            return ActionResult(f"{key} has a new secret.")

        text = "The key gets a new secret, which is shown once."
        form = OverlapForm(posted(request))
        return self.ask(
            request, key, act, title=f"Rotate {key}", text=text, button="Rotate", form=form
        )

    @page_verb(
        "Revoke", "revoke", icon="block", variant=ActionVariant.DANGER, title="Revoke {row}",
        text="Calls with this key are refused from now on. The row stays.",
        button="Revoke",
    )  # fmt: skip
    def revoke(self, request: PageRequest, row: ApiKey, data: dict[str, Any]) -> ActionResult:
        revoke_key(key=row)
        return ActionResult(f"{row} is revoked.")


class KeyInline(ReadOnlyInline):
    """Keys bound to the deployment, as far as the caller sees keys."""

    model = ApiKey.deployments.through
    fields = ("key", "name", "owner", "state", "last_used_at")
    verbose_name = "key"
    verbose_name_plural = "Keys"

    def get_queryset(self, request: Any) -> Any:
        keys = ApiKey.objects.for_caller(request.caller)
        return super().get_queryset(request).filter(apikey__in=keys).select_related("apikey__owner")

    @display(description="Key")
    def key(self, bound: Any) -> str:
        return row_link(bound.apikey)

    @display(description="Name")
    def name(self, bound: Any) -> str:
        return bound.apikey.name

    @display(description="Owner")
    def owner(self, bound: Any) -> str:
        return str(bound.apikey.owner)

    @display(description="State")
    def state(self, bound: Any) -> str:
        return key_badge(bound.apikey)

    @display(description="Last used")
    def last_used_at(self, bound: Any) -> Any:
        return bound.apikey.last_used_at
