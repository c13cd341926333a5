"""API addresses of executions."""

from designs.api.base import route
from executor.api.views import ExecutionCancelView, ExecutionDetailView, ExecutionListView

EXECUTION = r"(?P<execution_id>[^/]+)"

urlpatterns = [
    route("executions", ExecutionListView, "execution-list"),
    route(f"executions/{EXECUTION}", ExecutionDetailView, "execution-detail"),
    route(f"executions/{EXECUTION}/cancel", ExecutionCancelView, "execution-cancel"),
]
