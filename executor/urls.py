"""URLs of the pages of executions, tries, requests to people, connections, and tools."""

from django.urls import include, path

from executor.views import (
    again,
    comparing,
    connections,
    executions,
    history,
    requests,
    runs,
    tool_pages,
    tools,
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

pages_of_tools = [
    path("", tools.tool_connection_list, name="tool-connection-list"),
    path("new/", tools.tool_connection_new, name="tool-connection-new"),
    path("<int:pk>/", tools.tool_connection_detail, name="tool-connection-detail"),
    path("<int:pk>/edit/", tools.tool_connection_edit, name="tool-connection-edit"),
    path("<int:pk>/test/", tools.tool_connection_test, name="tool-connection-test"),
    path("<int:pk>/read/", tools.tool_connection_read, name="tool-connection-read"),
    path("<int:pk>/import/", tools.tool_connection_import, name="tool-connection-import"),
    path("<int:pk>/describe/", tools.tool_connection_describe, name="tool-connection-describe"),
    path("<int:pk>/delete/", tools.tool_connection_delete, name="tool-connection-delete"),
    path("tool/<int:pk>/", tool_pages.tool_detail, name="tool-detail"),
    path("tool/<int:pk>/decide/", tool_pages.tool_decide, name="tool-decide"),
    path("tool/<int:pk>/accept/", tool_pages.tool_accept, name="tool-accept"),
    path("tool/<int:pk>/try/", tool_pages.tool_try, name="tool-try"),
    path("tool/<int:pk>/delete/", tool_pages.tool_delete, name="tool-delete"),
]

urlpatterns = [
    path("executions/", include(execution_pages)),
    path("requests/", include(request_pages)),
    path("connections/", include(connection_pages)),
    path("tools/", include(pages_of_tools)),
]
