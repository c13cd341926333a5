"""Addresses of the pages of deployments, keys and schedules."""

from django.urls import path

from deployments.views import (
    calendars,
    deployments,
    executing,
    keys,
    limits,
    lists,
    moving,
    schedules,
    tabs,
)

app_name = "deployments"

ONE = "deployments/<uuid:pk>"
SCHEDULE = f"{ONE}/schedules/<uuid:schedule_id>"

urlpatterns = [
    path("deployments/", lists.deployment_list, name="deployment-list"),
    path("deployments/new/", deployments.deployment_new, name="deployment-new"),
    path("deployments/path/", deployments.deployment_path, name="deployment-path"),
    path("deployments/move/", moving.deployment_move, name="deployment-move"),
    path(f"{ONE}/", tabs.deployment_detail, name="deployment-detail"),
    path(f"{ONE}/api/", tabs.deployment_api, name="deployment-api"),
    path(f"{ONE}/api/keys/", tabs.deployment_key_new, name="deployment-key-new"),
    path(f"{ONE}/schedules/", tabs.deployment_schedules, name="deployment-schedules"),
    path(f"{ONE}/versions/", tabs.deployment_versions, name="deployment-versions"),
    path(f"{ONE}/versions/<int:number>/use/", tabs.deployment_use, name="deployment-use"),
    path(f"{ONE}/limits/", limits.deployment_limits, name="deployment-limits"),
    path(f"{ONE}/limits/<slug:name>/", limits.deployment_limit, name="deployment-limit"),
    path(
        "deployments/<uuid:pk>/configure/",
        deployments.deployment_configure,
        name="deployment-configure",
    ),
    path(f"{ONE}/execute/", executing.deployment_execute, name="deployment-execute"),
    path(f"{ONE}/status/", deployments.deployment_status, name="deployment-status"),
    path(f"{ONE}/delete/", deployments.deployment_delete, name="deployment-delete"),
    path("keys/", keys.key_list, name="key-list"),
    path("keys/new/", keys.key_new, name="key-new"),
    path("keys/<uuid:pk>/rotate/", keys.key_rotate, name="key-rotate"),
    path("keys/<uuid:pk>/revoke/", keys.key_revoke, name="key-revoke"),
    path(f"{ONE}/schedules/new/", schedules.schedule_new, name="schedule-new"),
    path(f"{SCHEDULE}/", schedules.schedule_detail, name="schedule-detail"),
    path(f"{SCHEDULE}/edit/", schedules.schedule_edit, name="schedule-edit"),
    path(f"{SCHEDULE}/switch/", schedules.schedule_switch, name="schedule-switch"),
    path(f"{SCHEDULE}/delete/", schedules.schedule_delete, name="schedule-delete"),
    path(f"{SCHEDULE}/backfill/", schedules.schedule_backfill, name="schedule-backfill"),
    path("schedules/", schedules.schedule_list, name="schedule-list"),
    path("calendars/", calendars.calendar_list, name="calendar-list"),
    path("calendars/new/", calendars.calendar_new, name="calendar-new"),
    path("calendars/<uuid:pk>/", calendars.calendar_detail, name="calendar-detail"),
    path("calendars/<uuid:pk>/edit/", calendars.calendar_edit, name="calendar-edit"),
    path("calendars/<uuid:pk>/delete/", calendars.calendar_delete, name="calendar-delete"),
    path("schedules/preview/", schedules.schedule_preview, name="schedule-preview"),
]
