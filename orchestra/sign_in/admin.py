"""The admin of sign-ins, failed attempts, and locks."""

from __future__ import annotations

import math
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from unfold.contrib.filters.admin import BooleanRadioFilter, RadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import TimeRangeFilter
from designs.admin.shown import badge
from designs.admin.verbs import ActionResult, page_verb
from designs.requests import PageRequest
from orchestra.sign_in.limits import ADDRESS_LIMIT, cool_off, in_words, shown_name
from orchestra.sign_in.sessions import program_of

LIFTED = "The lock is lifted: {name} can sign in from {address} at once."


class SignInRecords(ReadOnly, OrchestraAdmin):
    """Read-only records of axes."""

    search_fields = ("username", "ip_address")
    date_hierarchy = "attempt_time"

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        return rows

    @display(description="Name", ordering="username")
    def name(self, row: Any) -> str:
        return shown_name(row.username)

    @display(description="Program", ordering="user_agent")
    def program(self, row: Any) -> str:
        return program_of(row.user_agent)


class LockedFilter(RadioFilter):
    """Whether the next attempt would be refused."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("locked", "Locked"), ("counted", "Counted")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        locked = Q(of_account__gte=settings.AXES_FAILURE_LIMIT) | Q(of_address__gte=ADDRESS_LIMIT)
        if self.value() == "locked":
            return queryset.filter(locked)
        return queryset.exclude(locked) if self.value() == "counted" else queryset


def _failures(**same: Any) -> Subquery:
    """The number of failures that still count and have the same values in these fields."""
    since = timezone.now() - cool_off()
    rows = AccessAttempt.objects.filter(attempt_time__gt=since, **same).order_by()
    grouped = rows.values(*same).annotate(count=Sum("failures_since_start"))
    return Subquery(grouped.values("count"))


@admin.register(AccessAttempt)
class AccessAttemptAdmin(SignInRecords):
    """Failures that count now. Rows go when their lock expires or is lifted, or by a sign-in."""

    list_display = (
        "name", "ip_address", "failures_since_start", "state", "attempt_time", "program",
    )  # fmt: skip
    list_filter = (LockedFilter, ("attempt_time", TimeRangeFilter))
    fields = (
        "name", "ip_address", "state", "failures_since_start", "attempt_time", "user_agent",
        "path_info",
    )  # fmt: skip
    actions = ("lift_selected",)
    actions_detail = ("lift", "lift_address")

    def get_queryset(self, request: Any) -> Any:
        return (
            super()
            .get_queryset(request)
            .annotate(
                of_account=_failures(
                    username=OuterRef("username"), ip_address=OuterRef("ip_address")
                ),
                of_address=_failures(ip_address=OuterRef("ip_address")),
            )
        )

    def has_lift_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("axes.delete_accessattempt")

    @display(description="State")
    def state(self, row: Any) -> str:
        until = row.attempt_time + cool_off()
        if until <= timezone.now():
            return badge("Over")
        limits = ((row.of_account, settings.AXES_FAILURE_LIMIT), (row.of_address, ADDRESS_LIMIT))
        if all((count or 0) < most for count, most in limits):
            return badge("Counted", "info")
        left = math.ceil((until - timezone.now()).total_seconds())
        return badge(f"Locked, {in_words(left)} left", "warning")

    @action(description="Lift the locks", permissions=["lift"], icon="lock_open")
    def lift_selected(self, request: PageRequest, rows: QuerySet[AccessAttempt]) -> None:
        self.for_each(request, rows, _lift, "Lifted: {count}.")

    @page_verb(
        "Lift the lock", "lift", icon="lock_open", variant=ActionVariant.PRIMARY,
        title="Lift the lock", text="Failures of this account from this address no longer count.",
    )  # fmt: skip
    def lift(self, request: PageRequest, row: Any, data: dict[str, Any]) -> ActionResult:
        return _lifted(row, row.username)

    @page_verb(
        "Lift for the address", "lift", icon="lock_open", title="Lift the lock of the address",
        text="Failures of all accounts from this address no longer count.",
    )  # fmt: skip
    def lift_address(self, request: PageRequest, row: Any, data: dict[str, Any]) -> ActionResult:
        return _lifted(row, None)


def _lift(row: AccessAttempt) -> None:
    _same_address(row).filter(username=row.username).delete()


def _lifted(row: AccessAttempt, username: str | None) -> ActionResult:
    same = _same_address(row)
    (same if username is None else same.filter(username=username)).delete()
    sentence = LIFTED.format(name=shown_name(username) or "everybody", address=row.ip_address)
    return ActionResult(sentence, reverse("admin:axes_accessattempt_changelist"))


def _same_address(row: AccessAttempt) -> QuerySet[AccessAttempt]:
    return AccessAttempt.objects.filter(ip_address=row.ip_address)


@admin.register(AccessLog)
class AccessLogAdmin(SignInRecords):
    list_display = ("username", "attempt_time", "logout_time", "ip_address", "program")
    list_filter = (("attempt_time", TimeRangeFilter),)
    fields = ("username", "attempt_time", "logout_time", "ip_address", "user_agent", "path_info")


@admin.register(AccessFailureLog)
class AccessFailureLogAdmin(SignInRecords):
    list_display = ("name", "attempt_time", "locked_out", "ip_address", "program")
    list_filter = (("locked_out", BooleanRadioFilter), ("attempt_time", TimeRangeFilter))
    fields = ("name", "attempt_time", "locked_out", "ip_address", "user_agent", "path_info")
