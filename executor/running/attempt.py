"""One attempt at an execution: runs its graph in the engine, with its journal and limits."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError

from designs.access import NOBODY
from designs.auditing.audit import Action, note
from designs.errors import DesignInvalid
from designs.runtime.threads import in_thread
from designs.secrets.masking import counted, masked_output
from executor.acceptance.documents import cached_version, compile_document, compiled_version
from executor.acceptance.edits import with_edits
from executor.acceptance.nesting import cached_nested, nested_graphs
from executor.acceptance.parts import partial_graph
from executor.decisions import has_waited, take_decisions, wake_if_decided
from executor.engine.budget import NO_USAGE
from executor.engine.context import Outcome, Setup, Usage
from executor.engine.events import ErrorInfo, Event
from executor.engine.journal import Journal
from executor.engine.limits import Limits
from executor.engine.runner import CompiledGraph, run_graph
from executor.errors import LeaseLost, RecorderUnavailable
from executor.following.live_text import live_text
from executor.following.sending import send_settling
from executor.history.outputs import facts_of
from executor.language_models import registry
from executor.models import Execution, Status
from executor.recording.intents import recorded_intents
from executor.recording.leases import GiveBack
from executor.recording.recorder import RunRecord
from executor.recording.rows import (
    blocks_before,
    failures_of,
    recorded_steps,
    root_of,
    spent_before,
)
from executor.recording.waiting import begin_waiting
from executor.running.run_requests import run_requests
from executor.running.run_tools import run_tools
from executor.states import CANCELLED, run_error

Decisions = Mapping[str, Mapping[str, Any]]

logger = logging.getLogger(__name__)

INTERNAL = "Something went wrong inside Orchestra; the server's log says more."
OUT_OF_MEMORY = "The run needed more memory than it may have, so it was stopped."
NOT_RUNNABLE = "This version has problems and cannot be run; publish a repaired one."
# Longer chains of causes are not followed.
MAX_CAUSES = 20
NOTHING_NESTED: Mapping[str, CompiledGraph] = {}
DATABASE_AWAY = (OperationalError, InterfaceError, RecorderUnavailable)


async def perform_attempt(
    execution: Execution, record: RunRecord, graph: CompiledGraph | None = None
) -> Outcome | None:
    """Run the claimed execution and write its end.

    None if another process ends it: the lease was lost, or the database went away. Raises
    CancelledError, and MemoryError in a process of its own, with nothing written about it.
    """
    try:
        return await _run(execution, record, graph)
    except LeaseLost:
        logger.info("Another process carries %s now.", execution.public_id)
    except DATABASE_AWAY as error:
        logger.warning("%s cannot be recorded here: %s", execution.public_id, error)
        await give_back(execution, record)
    except DesignInvalid:
        await end_without_outcome(record, Status.FAILED, run_error("design", NOT_RUNNABLE))
    except Exception as error:
        if is_out_of_memory(error):
            if "memory_mb" in execution.limits:
                # This process may have none left to write the end; the worker does.
                raise MemoryError from error
            error_fields = run_error("memory", OUT_OF_MEMORY)
        else:
            logger.exception("%s failed inside Orchestra.", execution.public_id)
            error_fields = run_error("internal", INTERNAL)
        await end_without_outcome(record, Status.FAILED, error_fields)
    finally:
        record.stop()
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """True for an error that means, or comes from, a lack of memory."""
    cause: BaseException | None = error
    # An exception may be its own cause, so there is a limit.
    for _ in range(MAX_CAUSES):
        # What Python says if there is no room for the stack of a thread.
        if isinstance(cause, MemoryError) or str(cause) == "can't start new thread":
            return True
        if cause is None:
            break
        cause = cause.__cause__
    return False


async def give_back(execution: Execution, record: RunRecord) -> bool:
    """Queue it for another process to continue. False if that cannot be written, if it is not ours,
    or if it was cancelled instead, as requested.
    """
    record.stop()
    try:
        write = GiveBack(execution.pk, execution.attempt)
        return await asyncio.wrap_future(record.writer.submit(write)) is Status.QUEUED
    except DATABASE_AWAY as error:
        # Its lease expires, and the sweep takes it from there.
        logger.warning("%s could not be given back: %s", execution.public_id, error)
        return False


async def end_without_outcome(record: RunRecord, status: Status, error: dict[str, Any]) -> None:
    """End a run that the engine did not end."""
    try:
        await record.end(status, error=error)
    except LeaseLost:
        logger.info("exec-%s was ended by another process.", record.pk.hex)
    except Exception:
        # Its lease expires, and the sweep takes it from there.
        logger.exception("The end of exec-%s could not be written.", record.pk.hex)


def run_setup(
    execution: Execution,
    journal: Journal,
    emit: Callable[[Event], None],
    stream: Callable[[], bool] = lambda: False,
    spent: Usage = NO_USAGE,
    decisions: Decisions | None = None,
    nested: Mapping[str, CompiledGraph] = NOTHING_NESTED,
    root: uuid.UUID | None = None,
    failed: Mapping[str, ErrorInfo] | None = None,
) -> Setup:
    limits: dict[str, Any] = dict(execution.limits)
    # Enforced by the carrier.
    limits.pop("memory_mb", None)
    claimed_at = getattr(execution, "database_time", None)
    if claimed_at is not None and execution.deadline_at is not None:
        # Earlier attempts used up part of the time; both times are by the database's clock.
        limits["seconds"] = max(0.001, (execution.deadline_at - claimed_at).total_seconds())
    return Setup(
        execution_id=str(execution.pk),
        facts=facts_of(execution),
        models=registry.model_registry(),
        default_models=tuple(execution.models_default) or registry.default_models(),
        journal=journal,
        emit=emit,
        limits=Limits(**limits),
        spent_before=spent,
        stream=stream,
        decisions=decisions or {},
        max_wait_seconds=settings.ENVIRONMENT.max_wait_seconds,
        nested=nested,
        root_execution=str(root or execution.pk),
        tools=run_tools(execution),
        mask=masked_output,
        http=run_requests(execution),
        failed=failed,
    )


async def _compiled(execution: Execution, graph: CompiledGraph | None) -> CompiledGraph:
    version_id = execution.version_id
    if graph is None and execution.document is None and version_id is not None:
        # From the cache if possible: a thread costs more than a short run.
        graph = cached_version(version_id)
        if graph is None:
            graph = await in_thread(compiled_version, version_id)
    elif graph is None:
        graph = await in_thread(compile_document, execution.document or {})
    return with_edits(partial_graph(graph, execution), execution)


async def _let_go(record: RunRecord, outcome: Outcome) -> Outcome | None:
    """Write that the run waits; what it waits for may have come meanwhile."""
    seconds = settings.ENVIRONMENT.max_wait_seconds
    if not await begin_waiting(record, outcome, max_seconds=seconds):
        await end_without_outcome(record, Status.CANCELLED, CANCELLED)
        return None
    await in_thread(wake_if_decided, record.pk)
    return outcome


async def _nested_of(execution: Execution) -> Mapping[str, CompiledGraph]:
    nested = cached_nested(execution)
    return await in_thread(nested_graphs, execution) if nested is None else nested


async def _remember(record: RunRecord, execution: Execution, *, calls_out: bool) -> None:
    """What earlier attempts recorded, and the executions that this one resumes."""
    steps = await in_thread(recorded_steps, execution)
    has_called = calls_out or any(step.calls for step in steps.values())
    intents = await in_thread(recorded_intents, execution) if has_called else Counter()
    record.remember(steps, intents)


async def _run(
    execution: Execution, record: RunRecord, graph: CompiledGraph | None
) -> Outcome | None:
    graph = await _compiled(execution, graph)
    nested = await _nested_of(execution)
    if execution.attempt > 1 or execution.resumed_from_id is not None:
        called = any(one.keeps_steps for one in (graph, *nested.values()))
        await _remember(record, execution, calls_out=called)
    is_resumed = execution.resumed_from_id is not None
    spent = await in_thread(spent_before, execution) if is_resumed else NO_USAGE
    root = await in_thread(root_of, execution) if is_resumed else execution.pk
    decisions = await in_thread(take_decisions, execution) if has_waited(execution) else None
    before = await in_thread(blocks_before, execution) if decisions is not None else None
    record.goes_on_from(before or ())
    failed = None if before is None else failures_of(before)
    # Who tries a design follows its texts, but only once the answer with its id is there.
    is_try = execution.deployment_id is None
    with live_text(execution.pk, record.emit, is_wanted=is_try) as live, counted() as masked:
        setup = run_setup(
            execution, record, live.emit, live.is_wanted, spent, decisions, nested, root, failed
        )
        outcome = await run_graph(graph, execution.input_data, setup)
    if record.unwritten is not None:
        # The engine took this for a failure of the run; it is one of this process.
        raise record.unwritten
    is_waiting = outcome.status == "waiting"
    stored = await (_let_go(record, outcome) if is_waiting else record.end_with(outcome))
    if masked.known:
        # Models do not know our secrets: a server echoed one, or a user tests if a text is one.
        starter = replace(
            NOBODY,
            user_id=execution.user_id,
            name=execution.triggered_by,
            key_id=execution.key_id,
        )
        await in_thread(note, Action.MASK, execution, caller=starter, secrets=masked.known)
    if execution.settles:
        send_settling(execution.pk)
    return stored
