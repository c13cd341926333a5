"""URLs of the pages of executions."""

from django.urls import path

from executor import views

app_name = "executor"

urlpatterns = [
    path("", views.execution_list, name="execution-list"),
    path("<uuid:pk>/", views.execution_detail, name="execution-detail"),
    path("<uuid:pk>/stream/", views.execution_stream, name="execution-stream"),
    path("<uuid:pk>/result/", views.execution_result, name="execution-result"),
    path("<uuid:pk>/cancel/", views.execution_cancel, name="execution-cancel"),
    path("<uuid:pk>/rerun/", views.execution_rerun, name="execution-rerun"),
    path("<uuid:pk>/resume/", views.execution_resume, name="execution-resume"),
    path("<uuid:pk>/suggestions/", views.execution_suggestions, name="execution-suggestions"),
    path(
        "<uuid:pk>/suggestions/apply/",
        views.execution_suggestions_apply,
        name="execution-suggestions-apply",
    ),
]
