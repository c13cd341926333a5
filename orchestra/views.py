"""The home page, and the navigation of every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from designs.requests import PageRequest, requires
from orchestra.overview import overview

# Label, URL name, icon, permission. Staff see the admin too.
PLACES = (
    ("Home", "home", "home", "deployments.view_deployment"),
    ("Deployments", "deployments:deployment-list", "rocket", "deployments.view_deployment"),
    ("History", "executor:execution-list", "history", "executor.view_execution"),
    ("Designs", "designs:design-list", "graph", "designs.view_design"),
    ("Schedules", "deployments:schedule-list", "clock", "deployments.view_schedule"),
    ("API keys", "deployments:key-list", "key", "deployments.view_apikey"),
    ("API reference", "api-docs", "book", "deployments.view_deployment"),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """A context processor: links to the pages that the person may see."""
    caller = getattr(request, "caller", None)
    if caller is None or not caller.user_id or request.path.startswith("/admin/"):
        return {}
    places = [
        _place(request, label, reverse(name), icon)
        for label, name, icon, permission in PLACES
        if caller.may(permission)
    ]
    if request.user.is_staff:
        places.append(_place(request, "Admin", reverse("admin:index"), "settings"))
    return {"navigation": places}


def _place(request: HttpRequest, label: str, url: str, icon: str) -> dict[str, Any]:
    current = request.path == url if url == "/" else request.path.startswith(url)
    return {"label": label, "url": url, "icon": icon, "is_current": current}


@require_safe
@requires("deployments.view_deployment")
def home(request: PageRequest) -> HttpResponse:
    """The whole page, or only its `live` part when htmx asks."""
    part = "#live" if request.htmx else ""
    return render(request, f"home.html{part}", {"overview": overview(request.caller)})
