"""Colours and navigation of the admin, the same as of the pages: those of `tokens.css`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy

PRIMARY = {
    "50": "#eef0ff",
    "100": "#e2e4ff",
    "200": "#c9ccfb",
    "300": "#abacfc",
    "400": "#8f90fa",
    "500": "#6a68f0",
    "600": "#4f46e5",
    "700": "#4338ca",
    "800": "#3a3d78",
    "900": "#2a2c57",
    "950": "#1c1e3d",
}
BASE = {
    "50": "#f7f8fa",
    "100": "#f2f4f7",
    "200": "#e3e7ed",
    "300": "#c8d0dc",
    "400": "#98a2b3",
    "500": "#5f6b7e",
    "600": "#475467",
    "700": "#3a4354",
    "800": "#242a36",
    "900": "#12151c",
    "950": "#0b0d12",
}


def may(*permissions: str) -> Callable[[HttpRequest], bool]:
    """True for callers with one of the permissions."""
    return lambda request: any(
        request.caller.may(name)  # type: ignore[attr-defined]
        for name in permissions
    )


def page(title: str, icon: str, url_name: str, permission: str) -> dict[str, Any]:
    """A link to a page outside the admin."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(url_name),
        "permission": may(permission),
        "active": lambda request: False,
    }


def rows(title: str, icon: str, model: str, *permissions: str) -> dict[str, Any]:
    """A link to a model's list, for callers who may see or change it, or have a permission."""
    app, _, name = model.partition(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": may(*(permissions or (f"{app}.view_{name}", f"{app}.change_{name}"))),
    }


# The way back to the pages: the admin's name opens it.
PAGES = [
    page("Home", "home", "home", "deployments.view_deployment"),
    page("Deployments", "upload", "deployments:deployment-list", "deployments.view_deployment"),
    page("History", "history", "executor:execution-list", "executor.view_execution"),
    page("Requests", "how_to_vote", "executor:request-list", "executor.view_decisionrequest"),
    page("Designs", "schema", "designs:design-list", "designs.view_design"),
    page("Schedules", "schedule", "deployments:schedule-list", "deployments.view_schedule"),
    page("API reference", "menu_book", "api-docs", "deployments.view_deployment"),
]


def pages(request: HttpRequest) -> list[dict[str, Any]]:
    """Those that the caller may see."""
    return [place for place in PAGES if place["permission"](request)]


# Each place once.
NAVIGATION = [
    {
        "title": "",
        "items": [
            page("Home", "home", "home", "deployments.view_deployment"),
            {"title": "Admin", "icon": "settings", "link": reverse_lazy("admin:index")},
        ],
    },
    {
        "title": "Build",
        "separator": True,
        "items": [
            rows("Designs", "schema", "designs.design"),
            rows("Versions", "verified", "designs.designversion"),
            rows("Model connections", "network_intelligence", "executor.modelconnection"),
            rows("Tool connections", "build", "executor.toolconnection"),
            rows("Tools", "construction", "executor.tool"),
        ],
    },
    {
        "title": "Run",
        "separator": True,
        "items": [
            rows("Deployments", "upload", "deployments.deployment"),
            rows("Schedules", "schedule", "deployments.schedule"),
            rows("Occurrences", "event_available", "deployments.occurrence"),
            rows("Executions", "play_circle", "executor.execution"),
            rows("Blocks", "widgets", "executor.blockresult"),
            rows("Steps", "footprint", "executor.step"),
            rows("Requests", "how_to_vote", "executor.decisionrequest"),
            rows("Tool intents", "pending_actions", "executor.toolintent"),
            rows("Daily totals", "bar_chart", "executor.dailytotals"),
            rows(
                "Version totals", "bar_chart", "executor.versiontotals", "executor.view_dailytotals"
            ),
            rows("Saved views", "bookmark", "executor.savedview"),
            rows("Callbacks", "send", "deployments.delivery"),
            rows("Idempotency keys", "fingerprint", "deployments.idempotencykey"),
            rows("Retention", "auto_delete", "deployments.retentionpolicy"),
        ],
    },
    {
        "title": "Scheduler",
        "separator": True,
        "items": [
            rows("Periodic tasks", "update", "django_celery_beat.periodictask"),
            rows("Crontabs", "calendar_clock", "django_celery_beat.crontabschedule"),
            rows("Intervals", "timer", "django_celery_beat.intervalschedule"),
            rows("Solar events", "sunny", "django_celery_beat.solarschedule"),
            rows("Clocked times", "event", "django_celery_beat.clockedschedule"),
        ],
    },
    {
        "title": "Access",
        "separator": True,
        "items": [
            rows("API keys", "key", "deployments.apikey"),
            rows("Users", "person", "auth.user"),
            rows("Groups", "group", "auth.group"),
            rows("Audit", "policy", "designs.auditentry"),
            rows("Sign-ins", "login", "axes.accesslog"),
            rows("Failed sign-ins", "gpp_bad", "axes.accessfailurelog"),
            rows("Sign-in locks", "lock_clock", "axes.accessattempt"),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Orchestra",
    "SITE_HEADER": "Orchestra",
    "SITE_SUBHEADER": "Admin",
    "SITE_URL": "/",
    "SITE_DROPDOWN": pages,
    "SITE_ICON": lambda request: static("icon.svg"),
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icon.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "orchestra.admin.dashboard.dashboard",
    "ACCOUNT": {
        "navigation": [{"title": "Your account", "link": reverse_lazy("account")}],
    },
    "STYLES": [
        lambda request: static("css/tokens.css"),
        lambda request: static("css/signs.css"),
        lambda request: static("css/admin.css"),
    ],
    "COLORS": {"primary": PRIMARY, "base": BASE},
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": NAVIGATION},
}
