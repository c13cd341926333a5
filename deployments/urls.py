"""Addresses of the pages of deployments and schedules."""

from django.urls import path

from deployments import views

app_name = "deployments"

ONE = "deployments/<uuid:pk>"

urlpatterns = [
    path("deployments/", views.deployment_list, name="deployment-list"),
    path("deployments/new/", views.deployment_new, name="deployment-new"),
    path(f"{ONE}/", views.deployment_detail, name="deployment-detail"),
    path(
        "deployments/<uuid:pk>/configure/", views.deployment_configure, name="deployment-configure"
    ),
    path(f"{ONE}/execute/", views.deployment_execute, name="deployment-execute"),
    path(f"{ONE}/status/", views.deployment_status, name="deployment-status"),
    path(f"{ONE}/delete/", views.deployment_delete, name="deployment-delete"),
    path("schedules/", views.schedule_list, name="schedule-list"),
    path("schedules/preview/", views.schedule_preview, name="schedule-preview"),
]
