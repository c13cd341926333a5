"""The rows of runs, their results and totals, and model connections."""

from executor.models.connection import PROVIDER_WORDS, ModelConnection, Provider
from executor.models.execution import (
    MAX_CLOCK_SKEW,
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
    "MAX_CLOCK_SKEW",
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
    "Provider",
    "Status",
    "Step",
    "StepStatus",
    "Trigger",
    "is_late",
    "parse_execution_id",
    "seconds_from_now",
]
