"""The rows of runs, by subject."""

from executor.models.connection import PROVIDER_WORDS, ModelConnection, Provider
from executor.models.execution import (
    CLOCKS_APART,
    Execution,
    ExecutionQuerySet,
    Trigger,
    parse_execution_id,
)
from executor.models.results import BlockResult, BlockStatus, Step, StepStatus
from executor.models.status import (
    LIVE,
    RESUMABLE,
    TERMINAL,
    Status,
    is_late,
    seconds_from_now,
)
from executor.models.totals import DailyTotals, HourlyTotals

__all__ = [
    "LIVE",
    "RESUMABLE",
    "TERMINAL",
    "Status",
    "is_late",
    "seconds_from_now",
    "CLOCKS_APART",
    "PROVIDER_WORDS",
    "BlockResult",
    "BlockStatus",
    "DailyTotals",
    "Execution",
    "ExecutionQuerySet",
    "HourlyTotals",
    "ModelConnection",
    "Provider",
    "Step",
    "StepStatus",
    "Trigger",
    "parse_execution_id",
]
