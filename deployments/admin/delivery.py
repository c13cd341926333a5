"""The admin of callbacks: each delivery with its tries, and delivering again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from unfold.contrib.filters.admin import ChoicesCheckboxFilter
from unfold.decorators import action, display

from deployments.callbacks.deliveries import redeliver
from deployments.errors import DeliveryPending
from deployments.models import Delivery
from designs.access import Caller
from designs.admin.base import OrchestraAdmin, ReadOnly
from designs.admin.filters import TimeRangeFilter, VisibleFilter
from designs.admin.shown import badge, json_block, row_link
from designs.admin.verbs import ActionResult, bulk_verb
from designs.requests import PageRequest

KINDS = {"pending": "info", "delivered": "success", "failed": "danger"}


def _may_see_address(request: PageRequest) -> bool:
    """An address may hold a secret of the receiver's; who may not set it does not read it."""
    return request.caller.may("deployments.change_deployment")


def _shown(request: PageRequest, names: Any) -> list[str]:
    return [name for name in names if name != "url" or _may_see_address(request)]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly, OrchestraAdmin):
    list_display = (
        "message_id", "state", "deployment_link", "execution_link", "url", "attempts",
        "next_attempt", "delivered_at", "created_at",
    )  # fmt: skip
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        ("deployment", VisibleFilter),
        ("created_at", TimeRangeFilter),
    )
    list_select_related = ("deployment", "execution")
    search_fields = ("url", "deployment__endpoint_path")
    date_hierarchy = "created_at"
    deferred_in_lists = (
        "log", "execution__document", "execution__input_data", "execution__result_data",
    )  # fmt: skip
    fields = (
        "message_id", "state", "deployment_link", "execution_link", "url", "attempts",
        "next_attempt", "created_at", "delivered_at", "tries",
    )  # fmt: skip
    actions = (
        bulk_verb("redeliver_selected", "Deliver again", "operate", "{count} sent again.",
                  lambda row, _: redeliver(delivery=row)),
    )  # fmt: skip
    actions_detail = ("redeliver",)
    refusals = {**OrchestraAdmin.refusals, DeliveryPending: ""}

    def get_list_display(self, request: PageRequest) -> Any:
        return _shown(request, self.list_display)

    def get_fields(self, request: PageRequest, obj: Any = None) -> Any:
        return _shown(request, self.fields)

    def get_search_fields(self, request: PageRequest) -> Any:
        return _shown(request, self.search_fields)

    def rows_for(self, rows: Any, caller: Caller) -> Any:
        may_see = caller.may("deployments.view_delivery")
        return rows.for_caller(caller) if may_see else rows.none()

    @display(description="Status", ordering="status")
    def state(self, delivery: Delivery) -> str:
        return badge(delivery.get_status_display(), KINDS.get(delivery.status, ""))

    @display(description="Deployment", ordering="deployment__endpoint_path")
    def deployment_link(self, delivery: Delivery) -> str:
        return row_link(delivery.deployment)

    @display(description="Execution")
    def execution_link(self, delivery: Delivery) -> str:
        return row_link(delivery.execution, delivery.execution.short_id)

    @display(description="Next try", ordering="next_attempt_at")
    def next_attempt(self, delivery: Delivery) -> Any:
        pending = delivery.status == Delivery.Status.PENDING
        return delivery.next_attempt_at if pending else None

    @display(description="Tries")
    def tries(self, delivery: Delivery) -> str:
        return json_block(delivery.log or None)

    def has_operate_permission(self, request: PageRequest, object_id: Any = None) -> bool:
        return request.caller.may("executor.operate_execution")

    @action(description="Deliver again", url_path="redeliver", permissions=["operate"], icon="send")
    def redeliver(self, request: PageRequest, object_id: str) -> HttpResponse:
        delivery = self.row(request, object_id)

        def act(data: dict[str, Any]) -> ActionResult:
            redeliver(delivery=delivery)
            return ActionResult(f"{delivery} is sent again.")

        where = f"to {delivery.url} " if _may_see_address(request) else ""
        text = f"The same message goes {where}once more, whatever became of it before."
        return self.ask(
            request,
            delivery,
            act,
            title=f"Deliver {delivery} again",
            text=text,
            button="Send again",
        )
