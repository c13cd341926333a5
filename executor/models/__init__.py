"""The rows of runs, their results and totals, and model connections."""

from executor.models.connection import PROVIDER_WORDS, ModelConnection
from executor.models.decision import (
    DecisionRequest,
    RequestKind,
    RequestStatus,
    Verdict,
    Vote,
)
from executor.models.execution import Execution, ExecutionQuerySet, Trigger, parse_execution_id
from executor.models.results import BlockResult, BlockStatus, Step, StepStatus
from executor.models.saved_view import SavedView
from executor.models.status import BUSY, LIVE, RESUMABLE, TERMINAL, Status, seconds_from_now
from executor.models.tools import (
    ApprovalRule,
    Effect,
    Tool,
    ToolAuth,
    ToolConnection,
    ToolIntent,
    ToolKind,
    UnknownOutcome,
)
from executor.models.totals import DailyTotals, HourlyTotals, VersionTotals

__all__ = [
    "BUSY",
    "LIVE",
    "PROVIDER_WORDS",
    "RESUMABLE",
    "TERMINAL",
    "ApprovalRule",
    "BlockResult",
    "BlockStatus",
    "DailyTotals",
    "DecisionRequest",
    "Effect",
    "Execution",
    "ExecutionQuerySet",
    "HourlyTotals",
    "ModelConnection",
    "RequestKind",
    "RequestStatus",
    "SavedView",
    "Status",
    "Step",
    "StepStatus",
    "Tool",
    "ToolAuth",
    "ToolConnection",
    "ToolIntent",
    "ToolKind",
    "Trigger",
    "UnknownOutcome",
    "Verdict",
    "VersionTotals",
    "Vote",
    "parse_execution_id",
    "seconds_from_now",
]
