"""The home page, and the navigation of every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from designs.requests import PageRequest, person_of, render_fresh, requires
from orchestra.overview import overview

# Of each group its places: label, URL name, icon, permission. Staff see the admin too.
GROUPS: tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...] = (
    ("", (("Home", "home", "home", "deployments.view_deployment"),)),
    (
        "Build",
        (
            ("Designs", "designs:design-list", "graph", "designs.view_design"),
            ("Samples", "designs:sample-list", "samples", "designs.view_design"),
        ),
    ),
    (
        "Run",
        (
            (
                "Deployments",
                "deployments:deployment-list",
                "deploy",
                "deployments.view_deployment",
            ),
            ("Schedules", "deployments:schedule-list", "clock", "deployments.view_schedule"),
            ("History", "executor:execution-list", "history", "executor.view_execution"),
        ),
    ),
    (
        "Access",
        (
            (
                "Model connections",
                "executor:connection-list",
                "model",
                "executor.view_modelconnection",
            ),
            ("API keys", "deployments:key-list", "key", "deployments.view_apikey"),
            ("API reference", "api-docs", "book", "deployments.view_deployment"),
        ),
    ),
)


def navigation(request: HttpRequest) -> dict[str, Any]:
    """A context processor: links to the pages that the person may see, and who the person is."""
    caller = getattr(request, "caller", None)
    if caller is None or not caller.user_id or request.path.startswith("/admin/"):
        return {}
    groups = []
    for label, places in GROUPS:
        shown = [
            {"label": name, "url": reverse(url_name), "icon": icon}
            for name, url_name, icon, permission in places
            if caller.may(permission)
        ]
        if label == "Access" and request.user.is_staff:
            shown.append({"label": "Admin", "url": reverse("admin:index"), "icon": "settings"})
        if shown:
            groups.append({"label": label, "places": shown})
    _mark_current(groups, request.path)
    return {"navigation": groups, "me": person_of(request.user)}


def _mark_current(groups: list[dict[str, Any]], path: str) -> None:
    """The place of the page, or of the page that it belongs to."""
    places = [place for group in groups for place in group["places"]]
    fitting = [
        place
        for place in places
        if path == place["url"] or (place["url"] != "/" and path.startswith(place["url"]))
    ]
    if fitting:
        max(fitting, key=lambda place: len(place["url"]))["is_current"] = True


@require_safe
@requires("deployments.view_deployment")
def home(request: PageRequest) -> HttpResponse:
    return render_fresh(request, "home.html", {"overview": overview(request.caller)})
