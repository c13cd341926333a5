"""API addresses of deployments."""

from django.urls import re_path

from deployments.api import openapi  # noqa: F401 - registers the schemes
from deployments.api.calendars import CalendarDetailView, CalendarListView
from deployments.api.callbacks import (
    DELIVERY_ID,
    CallbackSecretView,
    DeliveryListView,
    DeliveryRedeliverView,
)
from deployments.api.endpoint import DeployedEndpointView, DeploymentExecuteView
from deployments.api.keys import KeyDetailView, KeyListView, KeyRotateView
from deployments.api.own_document import DeploymentDocumentView
from deployments.api.schedules import (
    SCHEDULE_ID,
    BackfillView,
    OccurrenceListView,
    ScheduleDetailView,
    ScheduleListView,
    SchedulePreviewView,
)
from deployments.api.streams import ExecutionEventsView
from deployments.api.views import (
    DeploymentDetailView,
    DeploymentListView,
    DeploymentLogDetailView,
    DeploymentLogListView,
)
from designs.api.base import ID, route

SCHEDULE = f"deployments/{ID}/schedules/{SCHEDULE_ID}"

urlpatterns = [
    route("deployments", DeploymentListView, "deployment-list"),
    route(f"deployments/{ID}", DeploymentDetailView, "deployment-detail"),
    route(f"deployments/{ID}/execute", DeploymentExecuteView, "deployment-execute"),
    route(f"deployments/{ID}/logs", DeploymentLogListView, "deployment-log-list"),
    route(
        f"deployments/{ID}/logs/(?P<log_id>[^/]+)", DeploymentLogDetailView, "deployment-log-detail"
    ),
    route(f"deployments/{ID}/openapi", DeploymentDocumentView, "deployment-openapi"),
    route(f"deployments/{ID}/deliveries", DeliveryListView, "delivery-list"),
    route(
        f"deployments/{ID}/deliveries/{DELIVERY_ID}/redeliver",
        DeliveryRedeliverView,
        "delivery-redeliver",
    ),
    route(f"deployments/{ID}/callback-secret", CallbackSecretView, "callback-secret"),
    route("executions/(?P<execution_id>[^/]+)/events", ExecutionEventsView, "execution-events"),
    route(f"deployments/{ID}/schedules", ScheduleListView, "schedule-list"),
    route(SCHEDULE, ScheduleDetailView, "schedule-detail"),
    route(f"{SCHEDULE}/occurrences", OccurrenceListView, "occurrence-list"),
    route(f"{SCHEDULE}/backfill", BackfillView, "schedule-backfill"),
    route("calendars", CalendarListView, "calendar-list"),
    route(f"calendars/{ID}", CalendarDetailView, "calendar-detail"),
    route("schedules/preview", SchedulePreviewView, "schedule-preview"),
    route("keys", KeyListView, "key-list"),
    route(f"keys/{ID}", KeyDetailView, "key-detail"),
    route(f"keys/{ID}/rotate", KeyRotateView, "key-rotate"),
    re_path(
        r"^deployed(?P<path>/.*?)/?$", DeployedEndpointView.as_view(), name="deployed-endpoint"
    ),
]
