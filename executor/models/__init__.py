"""The rows of runs, their results and totals, and model connections."""

from executor.models.connection import PROVIDER_WORDS, ModelConnection
from executor.models.execution import Execution, ExecutionQuerySet, Trigger, parse_execution_id
from executor.models.results import BlockResult, BlockStatus, Step, StepStatus
from executor.models.saved_view import SavedView
from executor.models.status import LIVE, RESUMABLE, TERMINAL, Status, seconds_from_now
from executor.models.totals import DailyTotals, HourlyTotals, VersionTotals

__all__ = [
    "LIVE",
    "PROVIDER_WORDS",
    "RESUMABLE",
    "TERMINAL",
    "BlockResult",
    "BlockStatus",
    "DailyTotals",
    "Execution",
    "ExecutionQuerySet",
    "HourlyTotals",
    "ModelConnection",
    "SavedView",
    "Status",
    "Step",
    "StepStatus",
    "Trigger",
    "VersionTotals",
    "parse_execution_id",
    "seconds_from_now",
]
