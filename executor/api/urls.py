"""API URLs of executions."""

from designs.api.base import ID, route
from executor.api import tools
from executor.api.requests import RequestDetailView, RequestListView, RequestVoteView
from executor.api.tries import DesignEvaluateView, DesignExecuteView
from executor.api.views import (
    ExecutionCancelView,
    ExecutionDetailView,
    ExecutionListView,
    ExecutionRerunView,
    ExecutionResumeView,
    ExecutionStepListView,
    SuggestionApplyView,
    SuggestionListView,
)

TOOLS = r"tool-connections/(?P<pk>[0-9]{1,9})"
TOOL = rf"{TOOLS}/tools/(?P<name>[A-Za-z0-9_][A-Za-z0-9_./-]{{0,199}}?)"
EXECUTION = r"(?P<execution_id>[^/]+)"

urlpatterns = [
    route(f"designs/{ID}/execute", DesignExecuteView, "design-execute"),
    route(f"designs/{ID}/evaluate", DesignEvaluateView, "design-evaluate"),
    route("executions", ExecutionListView, "execution-list"),
    route(f"executions/{EXECUTION}", ExecutionDetailView, "execution-detail"),
    route(f"executions/{EXECUTION}/steps", ExecutionStepListView, "execution-step-list"),
    route(f"executions/{EXECUTION}/cancel", ExecutionCancelView, "execution-cancel"),
    route(f"executions/{EXECUTION}/rerun", ExecutionRerunView, "execution-rerun"),
    route(f"executions/{EXECUTION}/resume", ExecutionResumeView, "execution-resume"),
    route(f"executions/{EXECUTION}/suggestions", SuggestionListView, "execution-suggestion-list"),
    route(
        f"executions/{EXECUTION}/suggestions/apply",
        SuggestionApplyView,
        "execution-suggestion-apply",
    ),
    route("requests", RequestListView, "request-list"),
    route(f"requests/{ID}", RequestDetailView, "request-detail"),
    route(f"requests/{ID}/votes", RequestVoteView, "request-vote"),
    route("tools", tools.ToolListView, "tool-list"),
    route("tool-connections", tools.ToolConnectionListView, "tool-connection-list"),
    route(TOOLS, tools.ToolConnectionDetailView, "tool-connection-detail"),
    route(f"{TOOLS}/test", tools.ToolConnectionTestView, "tool-connection-test"),
    route(f"{TOOLS}/read-tools", tools.ToolConnectionReadView, "tool-connection-read-tools"),
    route(f"{TOOLS}/import", tools.ToolConnectionImportView, "tool-connection-import"),
    route(f"{TOOLS}/tools", tools.ConnectionToolListView, "tool-connection-tools"),
    route(f"{TOOL}/accept", tools.ConnectionToolAcceptView, "tool-accept"),
    route(f"{TOOL}/call", tools.ConnectionToolCallView, "tool-call"),
    route(TOOL, tools.ConnectionToolDetailView, "tool-detail"),
]
