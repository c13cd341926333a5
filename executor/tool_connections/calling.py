"""One exchange with a server, in a task of its own: in time, and harmless to its neighbours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import httpx2

from designs.outgoing.addresses import AddressRefused, check_url
from executor.tool_connections.mcp_client import KEY_HEADER, AnswerInvalid, ServerError
from executor.tool_connections.sign_in import SignIn, SignInFailed
from executor.tool_connections.snapshots import ConnectionSnapshot
from executor.tool_connections.transport import Watch, call_client

T = TypeVar("T")

logger = logging.getLogger(__name__)

# A call that is stopped closes its request; a server that hangs must not hold its caller.
STOP_SECONDS = 1.0
STOPS = 3


class NotCalled(Exception):
    """Nothing was sent, and trying again would not help; the message is a sentence."""


class RuleBroken(Exception):
    """The server answered in a way that is not taken; the message says which."""


class CallBroken(Exception):
    """There is no answer; the message says why. `is_slow`: the time was over. Without `was_sent`
    the server cannot have got the call.
    """

    def __init__(self, message: str, *, is_slow: bool = False, was_sent: bool = False) -> None:
        super().__init__(message)
        self.is_slow = is_slow
        self.was_sent = was_sent


async def exchange(
    snapshot: ConnectionSnapshot,
    sign_in: SignIn,
    transport: httpx2.AsyncBaseTransport,
    make: Callable[[httpx2.AsyncClient], Awaitable[T]],
    watch: Watch,
    *,
    key: str,
    seconds: float,
) -> T:
    """What `make` gets from the server within so many seconds in total, signed in.

    Raises NotCalled, RuleBroken, CallBroken, ServerError, AnswerInvalid.
    """

    async def work() -> T:
        headers = await sign_in.headers_for_call(transport)
        if key:
            headers[KEY_HEADER] = key
        async with call_client(transport, watch, headers, seconds=seconds) as client:
            return await make(client)

    try:
        check_url(snapshot.url, snapshot.allow)
        return await run_apart(work(), seconds=seconds)
    except AddressRefused as error:
        raise NotCalled(str(error)) from error
    except Exception as error:  # noqa: BLE001 - a library's groups of errors, too
        raise _judged(error, watch) from error


def _judged(error: Exception, watch: Watch) -> Exception:
    """What the transport saw comes first: libraries wrap it, or tell of what follows from it."""
    if watch.cause == "address":
        return NotCalled(watch.failure)
    if watch.cause == "answer":
        return RuleBroken(watch.failure)
    sent = watch.was_sent
    if watch.cause == "network":
        return CallBroken(watch.failure, was_sent=sent)
    if isinstance(error, CallBroken):
        return CallBroken(str(error), is_slow=error.is_slow, was_sent=sent)
    if isinstance(error, SignInFailed):
        return CallBroken(str(error).rstrip("."), was_sent=False)
    if isinstance(error, ServerError) and error.is_broken:
        return CallBroken("the answer ended before it was complete", was_sent=sent)
    if isinstance(error, ServerError | AnswerInvalid):
        return error
    logger.warning("A call of a tool broke off.", exc_info=error)
    return CallBroken(f"the call broke off ({type(error).__name__})", was_sent=sent)


async def run_apart(call: Coroutine[Any, Any, T], *, seconds: float) -> T:
    """The call's result, within so many seconds in total.

    Libraries end what they run by cancelling it: apart, that ends this call alone, and a
    cancellation of our own is told from one of theirs. Raises CallBroken, and what the call raises.
    """
    task = asyncio.create_task(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        await _stop(task)
        raise
    if not done:
        await _stop(task)
        raise CallBroken(f"there was no whole answer within {seconds:g} seconds", is_slow=True)
    if task.cancelled():
        raise CallBroken("the call broke off")
    return task.result()


async def _stop(task: asyncio.Task[Any]) -> None:
    for _ in range(STOPS):
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=STOP_SECONDS)
        if done:
            if not task.cancelled():
                # Retrieved, so that asyncio reports no error.
                task.exception()
            return
