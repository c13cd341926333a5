"""URLs of the pages of executions, tries, requests to people, and model connections."""

from django.urls import include, path

from executor.views import (
    again,
    comparing,
    connections,
    executions,
    history,
    requests,
    runs,
    tries,
)

app_name = "executor"

connection_pages = [
    path("", connections.connection_list, name="connection-list"),
    path("new/", connections.connection_new, name="connection-new"),
    path("<int:pk>/", connections.connection_edit, name="connection-edit"),
    path("<int:pk>/test/", connections.connection_test, name="connection-test"),
    path("<int:pk>/default/", connections.connection_default, name="connection-default"),
    path("<int:pk>/delete/", connections.connection_delete, name="connection-delete"),
]

execution_pages = [
    path("try/<uuid:pk>/", tries.design_try, name="design-try"),
    path("", history.execution_list, name="execution-list"),
    path("export/", history.execution_export, name="execution-export"),
    path("views/save/", history.saved_view_save, name="saved-view-save"),
    path("views/<uuid:pk>/delete/", history.saved_view_delete, name="saved-view-delete"),
    path("<uuid:pk>/", runs.execution_detail, name="execution-detail"),
    path("<uuid:pk>/result/", executions.execution_result, name="execution-result"),
    path("<uuid:pk>/cancel/", executions.execution_cancel, name="execution-cancel"),
    path("<uuid:pk>/rerun/", executions.execution_rerun, name="execution-rerun"),
    path("<uuid:pk>/resume/", executions.execution_resume, name="execution-resume"),
    path("<uuid:pk>/again/", again.execution_again, name="execution-again"),
    path("<uuid:pk>/resume-from/", again.execution_resume_from, name="execution-resume-from"),
    path("<uuid:pk>/compare/", comparing.execution_compare, name="execution-compare"),
    path("<uuid:pk>/suggestions/", executions.execution_suggestions, name="execution-suggestions"),
    path(
        "<uuid:pk>/suggestions/apply/",
        executions.execution_suggestions_apply,
        name="execution-suggestions-apply",
    ),
]

request_pages = [
    path("", requests.request_list, name="request-list"),
    path("closed/", requests.request_closed, name="request-closed"),
    path("<uuid:pk>/", requests.request_detail, name="request-detail"),
    path("<uuid:pk>/vote/", requests.request_vote, name="request-vote"),
]

urlpatterns = [
    path("executions/", include(execution_pages)),
    path("requests/", include(request_pages)),
    path("connections/", include(connection_pages)),
]
