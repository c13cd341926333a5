"""API URLs of executions."""

from designs.api.base import ID, route
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
]
