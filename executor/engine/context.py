"""The setup and the outcome of a run."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from designs.patterns.base import Need
from executor.engine.events import ErrorInfo, Event
from executor.engine.http_door import HttpDoor, NoDoor
from executor.engine.journal import Journal
from executor.engine.limits import Limits
from executor.engine.llm.base import ModelProvider
from executor.engine.tools import NoTools, ToolProvider

MAX_WAIT_SECONDS = 30 * 86_400.0
if TYPE_CHECKING:
    from executor.engine.compile import CompiledGraph


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over the run's steps, including replayed ones and failed tries. `cost_usd` is None while
    no step has a known cost.
    """

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Clock, sleep and randomness; tests replace them."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    random: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything a run needs from outside.

    `facts` is `execution` in expressions (id, trigger, started_at). `default_models` is the
    fallback chain for agents and designs that name no model. `emit` is called on the run's loop, in
    order, and must not block. `stream` is called before each step; if it returns True, the model
    streams its text (`TextDelta`). `spent_before` counts towards the limits, not as usage.
    `decisions` are the answers to requests of earlier attempts, by the keys of their needs. No wait
    is longer than `max_wait_seconds`. `root_execution` is the first one of a chain of resumes: keys
    of tool calls begin with it. `mask` takes secrets out of what tools answer.
    `nested` are the graphs that blocks play, by the names of their bodies. `failed` are the run's
    own blocks that had failed when it was let go; with it steps that had failed stay so, too. None
    for a run that never waited, which tries them again.
    """

    execution_id: str
    facts: dict[str, Any]
    models: ModelProvider
    default_models: tuple[str, ...]
    journal: Journal
    emit: Callable[[Event], None]
    limits: Limits = field(default_factory=Limits)
    spent_before: Usage = field(default_factory=Usage)
    stream: Callable[[], bool] = lambda: False
    timing: Timing = field(default_factory=Timing)
    decisions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    max_wait_seconds: float = MAX_WAIT_SECONDS
    tools: ToolProvider = field(default_factory=NoTools)
    http: HttpDoor = field(default_factory=NoDoor)
    root_execution: str = ""
    mask: Callable[[str], str] = str
    nested: Mapping[str, CompiledGraph] = field(default_factory=dict)
    failed: Mapping[str, ErrorInfo] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, or that it waits for `needs` and was let go. To cancel a run, cancel the
    task that awaits `run_graph`.
    """

    status: Literal["completed", "failed", "timed_out", "waiting"]
    result: Any
    block_outputs: dict[str, Any]
    usage: Usage
    error: ErrorInfo | None = None
    degraded: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
