"""One attempt at an execution: its graph, its journal and its limits, played by the engine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.db import InterfaceError, OperationalError

from designs.access import NOBODY
from designs.auditing.audit import Action, note
from designs.errors import DesignInvalid
from designs.runtime.threads import in_thread
from designs.secrets.masking import counted
from executor.acceptance.documents import compile_document, compiled_version, known_version
from executor.engine.budget import NO_USAGE
from executor.engine.context import Outcome, Setup, Usage
from executor.engine.events import Event
from executor.engine.journal import Journal
from executor.engine.limits import Limits
from executor.engine.runner import CompiledGraph, run_graph
from executor.errors import LeaseLost, RecorderUnavailable
from executor.following.live_text import live_text
from executor.following.sending import send_settling
from executor.language_models import provider
from executor.models import Execution, Status
from executor.recording.recorder import GiveBack, RunRecord
from executor.recording.rows import recorded_steps, spent_before

logger = logging.getLogger(__name__)

INTERNAL = "Something went wrong inside Orchestra; the server's log says more."
OUT_OF_MEMORY = "The run needed more memory than it may have, so it was stopped."
NOT_RUNNABLE = "This version has problems and cannot be run; publish a repaired one."
DATABASE_AWAY = (OperationalError, InterfaceError, RecorderUnavailable)


async def perform_attempt(
    execution: Execution, record: RunRecord, graph: CompiledGraph | None = None
) -> Outcome | None:
    """Run the claimed execution and write how it ended.

    None if another process ends it: the lease was lost, or the database went away. Passes
    CancelledError on, with nothing written about it.
    """
    try:
        return await _play(execution, record, graph)
    except LeaseLost:
        logger.info("%s is carried by another process now.", execution.public_id)
    except DATABASE_AWAY as error:
        logger.warning("%s cannot be recorded here: %s", execution.public_id, error)
        await give_back(execution, record)
    except DesignInvalid:
        await fail(record, "design", NOT_RUNNABLE)
    except MemoryError:
        await fail(record, "memory", OUT_OF_MEMORY)
    except Exception:
        logger.exception("%s failed inside Orchestra.", execution.public_id)
        await fail(record, "internal", INTERNAL)
    finally:
        record.stop()
    return None


async def give_back(execution: Execution, record: RunRecord) -> bool:
    """Queue it for another process to go on; False if that cannot be written, it is not ours, or
    it was to be cancelled and is now.
    """
    record.stop()
    try:
        write = GiveBack(execution.pk, execution.attempt)
        return await asyncio.wrap_future(record.writer.submit(write)) is Status.QUEUED
    except DATABASE_AWAY as error:
        # Its lease runs out, and the sweep takes it from there.
        logger.warning("%s could not be given back: %s", execution.public_id, error)
        return False


async def fail(record: RunRecord, kind: str, message: str) -> None:
    """End it as failed, without a block to blame."""
    error = {"class": kind, "message": message, "block_id": None, "step": None}
    try:
        await record.end(Status.FAILED, error=error)
    except LeaseLost:
        logger.info("exec-%s was ended by another process.", record.pk.hex)
    except Exception:
        # Its lease runs out, and the sweep takes it from there.
        logger.exception("The end of exec-%s could not be written.", record.pk.hex)


def run_setup(
    execution: Execution,
    journal: Journal,
    emit: Callable[[Event], None],
    stream: Callable[[], bool] = lambda: False,
    spent: Usage = NO_USAGE,
) -> Setup:
    """What the engine is given for a run of this execution."""
    return Setup(
        execution_id=str(execution.pk),
        facts={
            "id": execution.public_id,
            "trigger": execution.trigger_type,
            "started_at": execution.started_at.isoformat() if execution.started_at else None,
        },
        models=provider.installation_models(),
        default_models=tuple(execution.models_default) or provider.default_models(),
        journal=journal,
        emit=emit,
        limits=_limits(execution),
        spent_before=spent,
        stream=stream,
    )


async def _play(
    execution: Execution, record: RunRecord, graph: CompiledGraph | None
) -> Outcome | None:
    if graph is None:
        graph = _known_graph(execution)
    if graph is None:
        graph = await in_thread(_graph_of, execution)
    if execution.attempt > 1 or execution.resumed_from_id is not None:
        record.remember(await in_thread(recorded_steps, execution))
    spent = NO_USAGE
    if execution.resumed_from_id is not None:
        spent = await in_thread(spent_before, execution)
    with live_text(execution.pk, record.emit) as live, counted() as masked:
        setup = run_setup(execution, record, live.emit, live.is_wanted, spent)
        outcome = await run_graph(graph, execution.input_data, setup)
    if record.unwritten is not None:
        # The engine took the gap for a failure of the run; it is one of this process.
        raise record.unwritten
    ended = await record.end_with(outcome)
    if masked.known:
        await in_thread(_note_masked, execution, masked.known)
    if execution.settles:
        send_settling(execution.pk)
    return ended


def _note_masked(execution: Execution, count: int) -> None:
    """Models do not know our secrets: a server said back what it was sent, or somebody tries
    whether what they have is one.
    """
    starter = replace(
        NOBODY,
        user_id=execution.user_id,
        name=execution.triggered_by,
        key_id=execution.key_id,
    )
    note(Action.MASK, execution, caller=starter, secrets=count)


def _known_graph(execution: Execution) -> CompiledGraph | None:
    """Its graph, if that is at hand: a thread costs more than a short run."""
    if execution.document is not None or execution.version_id is None:
        return None
    return known_version(execution.version_id)


def _graph_of(execution: Execution) -> CompiledGraph:
    if execution.document is None and execution.version_id is not None:
        return compiled_version(execution.version_id)
    return compile_document(execution.document or {})


def _limits(execution: Execution) -> Limits:
    known: dict[str, Any] = dict(execution.limits)
    # Kept by whoever starts the run.
    known.pop("memory_mb", None)
    claimed_at = getattr(execution, "database_time", None)
    if claimed_at is not None and execution.deadline_at is not None:
        # An earlier attempt used up part of the time; both ends by the database's clock.
        known["seconds"] = max(0.001, (execution.deadline_at - claimed_at).total_seconds())
    return Limits(**known)
