"""The admin's start page: the figures of the home page, and what runs next."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from designs.access import Caller
from orchestra.overview import overview


class Figure(NamedTuple):
    label: str
    value: str
    url: str


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's hook for the index page."""
    caller: Caller = request.caller  # type: ignore[attr-defined]
    if not caller.may("executor.view_execution"):
        return {**context, "overview": None, "figures": []}
    shown = overview(caller)
    executions = reverse("admin:executor_execution_changelist")
    live = "&".join(f"status__exact={status}" for status in ("queued", "running", "waiting"))
    bad = "status__exact=failed&status__exact=timed_out"
    deployments = reverse("admin:deployments_deployment_changelist")
    figures = [
        Figure("Running or waiting", f"{shown.running:,}", f"{executions}?{live}"),
        Figure("Finished in 24 h", f"{shown.ended:,}", executions),
        Figure("Failed in 24 hours", f"{shown.failed:,}", f"{executions}?{bad}"),
        Figure("Deployments", f"{shown.deployments:,}", deployments),
    ]
    return {**context, "overview": shown, "figures": figures}
