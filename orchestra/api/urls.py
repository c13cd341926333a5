"""API addresses, all apps'."""

from django.urls import include, path, re_path

from designs.api.base import route
from orchestra.api.pages import DocumentView, UnknownView, api_docs
from orchestra.health import LiveView, ReadyView

urlpatterns = [
    path("", include(("designs.api.urls", "designs-api"))),
    path("", include(("deployments.api.urls", "deployments-api"))),
    path("", include(("executor.api.urls", "executor-api"))),
    route("health/live", LiveView, "health-live"),
    route("health/ready", ReadyView, "health-ready"),
    route("schema", DocumentView, "api-schema"),
    re_path(r"^docs/?$", api_docs, name="api-docs"),
    re_path(r"^[\s\S]*$", UnknownView.as_view(), name="api-unknown"),
]
