"""The home page, and the navigation of every page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_safe

from designs.requests import (
    MAX_SEARCHED,
    PageRequest,
    answer_fresh,
    opened_address,
    person_of,
    render_fresh,
    requires,
)
from orchestra.frame.search import search as found_by
from orchestra.frame.standing import Standing, known_standing, standing
from orchestra.home.board import board

# What the side bar tells of the installation needs it.
FRAME = "deployments.view_deployment"
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
            ("Requests", "executor:request-list", "hand", "executor.view_decisionrequest"),
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
            (
                "Tools",
                "executor:tool-connection-list",
                "tools",
                "executor.view_toolconnection",
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
    known = known_standing(caller) if caller.may(FRAME) else None
    for label, places in GROUPS:
        shown = [
            {"label": name, "url": reverse(url_name), "icon": icon, **_badge(url_name, known)}
            for name, url_name, icon, permission in places
            if caller.may(permission)
        ]
        if label == "Access" and request.user.is_staff:
            shown.append({"label": "Admin", "url": reverse("admin:index"), "icon": "settings"})
        if shown:
            groups.append({"label": label, "places": shown})
    _mark_current(groups, _path_of(request))
    return {
        "navigation": groups,
        "me": person_of(request.user),
        "standing": known,
        "side_refreshes": caller.may(FRAME),
    }


def _badge(url_name: str, known: Standing | None) -> dict[str, Any]:
    """The count beside a place: red for what needs somebody, grey for what goes on."""
    if known and known.failing and url_name == "deployments:deployment-list":
        return {"count": known.failing, "tone": "bad", "counted": "in error"}
    if known and known.requests and url_name == "executor:request-list":
        return {"count": known.requests, "tone": "accent", "counted": "waiting for you"}
    if known and known.live and url_name == "executor:execution-list":
        return {"count": known.live, "tone": "plain", "counted": "running or waiting"}
    return {}


def _path_of(request: Any) -> str:
    """Of the page; the side bar refreshes from an address of its own."""
    if request.path != reverse("side"):
        return str(request.path)
    return opened_address(request).partition("?")[0]


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
@requires(FRAME)
def side(request: PageRequest) -> HttpResponse:
    """The side bar's part that refreshes; without htmx the page is the home page."""
    if not request.htmx:
        return redirect("home")
    standing(request.caller)
    return answer_fresh(request, render_to_string("includes/_side_live.html", request=request))


@require_safe
@requires(FRAME)
def search(request: PageRequest) -> HttpResponse:
    """The search page; for htmx only what the palette lists."""
    text = " ".join(request.GET.get("q", "").replace("\0", "").split())[:MAX_SEARCHED]
    places = [place for group in navigation(request)["navigation"] for place in group["places"]]
    context = {"text": text, "found": found_by(request.caller, text, places)}
    return render(request, "search.html" + ("#hits" if request.htmx else ""), context)


@require_safe
@requires("deployments.view_deployment")
def home(request: PageRequest) -> HttpResponse:
    may = request.caller.may
    context = {
        "board": board(request.caller, request.GET.get("window", "")),
        "may_add": may("designs.add_design"),
        "may_connect": may("executor.add_modelconnection"),
        "may_deploy": may("deployments.add_deployment"),
        "may_see_runs": may("executor.view_execution"),
    }
    return render_fresh(request, "home.html", context)
