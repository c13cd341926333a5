"""Waiting for a record to be written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from contextlib import AbstractContextManager
from typing import Protocol

from executor.engine.context import Setup
from executor.engine.failures import RunStopped
from executor.engine.journal import Journal, StepResult

logger = logging.getLogger(__name__)

# How long a cancelled run waits for a record that is being written.
RECORD_GRACE_SECONDS = 5.0


async def await_record(pending: Awaitable[None]) -> None:
    """Wait for a record, for RECORD_GRACE_SECONDS even when cancelled: the answer was paid for."""
    future = asyncio.ensure_future(pending)
    try:
        await asyncio.shield(future)
    except asyncio.CancelledError:
        try:
            await asyncio.wait([future], timeout=RECORD_GRACE_SECONDS)
        finally:
            future.cancel()
        if future.done():
            retrieve_error(future)
        raise


class IntentHost(Protocol):
    """The block's run, as it is about to call the outside."""

    @property
    def setup(self) -> Setup: ...

    def under_way(self) -> AbstractContextManager[None]: ...

    def stop_unrecorded(self, key: str, error: Exception) -> None: ...


async def intend(host: IntentHost, key: str, tool: str) -> int:
    """See `Journal.intend`. Raises RunStopped when it could not be stored."""
    try:
        with host.under_way():
            return await host.setup.journal.intend(key, tool)
    except Exception as error:
        host.stop_unrecorded(key, error)
        raise RunStopped("What is about to be called could not be recorded.") from error


def retrieve_error(future: asyncio.Future[None]) -> None:
    """Keeps asyncio from logging that the exception was never retrieved."""
    if not future.cancelled():
        future.exception()


def write_unawaited(journal: Journal, step: StepResult) -> None:
    """Record a step of a block that is being stopped; only the run's end waits for it."""
    try:
        pending = journal.record(step)
    except Exception as error:  # noqa: BLE001 - the block is ending with an error of its own
        logger.warning("The record of step %s could not be written: %r", step.key, error)
        return
    if pending is not None:
        asyncio.ensure_future(pending).add_done_callback(retrieve_error)
