"""API addresses of deployments."""

from django.urls import re_path

from deployments.api import openapi  # noqa: F401 - registers the schemes
from deployments.api.endpoint import DeployedEndpointView, DeploymentExecuteView
from deployments.api.views import (
    DeploymentDetailView,
    DeploymentListView,
    DeploymentLogDetailView,
    DeploymentLogListView,
)
from designs.api.base import ID, route

urlpatterns = [
    route("deployments", DeploymentListView, "deployment-list"),
    route(f"deployments/{ID}", DeploymentDetailView, "deployment-detail"),
    route(f"deployments/{ID}/execute", DeploymentExecuteView, "deployment-execute"),
    route(f"deployments/{ID}/logs", DeploymentLogListView, "deployment-log-list"),
    route(
        f"deployments/{ID}/logs/(?P<log_id>[^/]+)", DeploymentLogDetailView, "deployment-log-detail"
    ),
    re_path(
        r"^deployed(?P<path>/.*?)/?$", DeployedEndpointView.as_view(), name="deployed-endpoint"
    ),
]
