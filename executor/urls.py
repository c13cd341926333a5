"""URLs of the pages of executions and of tries."""

from django.urls import path

from executor.views import executions, tries

app_name = "executor"

urlpatterns = [
    path("try/<uuid:pk>/", tries.design_try, name="design-try"),
    path("", executions.execution_list, name="execution-list"),
    path("<uuid:pk>/", executions.execution_detail, name="execution-detail"),
    path("<uuid:pk>/stream/", executions.execution_stream, name="execution-stream"),
    path("<uuid:pk>/result/", executions.execution_result, name="execution-result"),
    path("<uuid:pk>/cancel/", executions.execution_cancel, name="execution-cancel"),
    path("<uuid:pk>/rerun/", executions.execution_rerun, name="execution-rerun"),
    path("<uuid:pk>/resume/", executions.execution_resume, name="execution-resume"),
    path("<uuid:pk>/suggestions/", executions.execution_suggestions, name="execution-suggestions"),
    path(
        "<uuid:pk>/suggestions/apply/",
        executions.execution_suggestions_apply,
        name="execution-suggestions-apply",
    ),
]
