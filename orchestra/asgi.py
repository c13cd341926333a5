"""The ASGI application that the web server runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251

import django  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402

GRACE_SECONDS = 5.0
LOOK_SECONDS = 0.05

django.setup(set_prefix=False)

# Models can be imported only after Django is set up.
from django.conf import settings  # noqa: E402

from deployments.api.late_bodies import read_until_left  # noqa: E402
from designs.runtime.loops import close_loop  # noqa: E402
from executor.following import pubsub  # noqa: E402
from executor.following.answers import is_waited_for  # noqa: E402
from executor.language_models.key_masking import start_key_masking  # noqa: E402
from executor.language_models.registry import load_models  # noqa: E402
from executor.running.carrier import process_carrier  # noqa: E402
from orchestra.server import fast_lane, headers, stream_lane  # noqa: E402
from orchestra.server.client_address import with_client  # noqa: E402
from orchestra.server.interpreter import keep_what_was_loaded, set_up_interpreter  # noqa: E402
from orchestra.server.memory import noting_large_answers  # noqa: E402


class Handler(ASGIHandler):
    """Adds our headers to answers that pass no middleware."""

    def create_request(self, scope: Mapping[str, Any], body_file: Any) -> Any:
        request, refusal = super().create_request(scope, body_file)
        if refusal is not None:
            for name, value in headers.outside_middleware().items():
                refusal[name] = value
        return request, refusal


_django = Handler()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django, its bypasses, and the server's start and stop."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        # Closed before it is accepted, which servers answer with 403.
        await receive()
        await send({"type": "websocket.close", "code": 1003})
        return
    if scope["type"] != "http":
        # Django would raise.
        return
    scope = with_client(scope, settings.ENVIRONMENT.trusted_proxies)
    send = noting_large_answers(send)
    if stream_lane.takes(scope):
        await stream_lane.answer(scope, receive, send, otherwise=_answer)
    elif not (fast_lane.takes(scope) and await fast_lane.answer(scope, receive, send)):
        await _answer(scope, receive, send)


async def _answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await _django(scope, bounded(scope, receive), send)


def bounded(scope: dict[str, Any], receive: Any) -> Any:
    """`receive`, but empty for a body that is too large: Django would write it to a file before it
    authenticates the sender. Views refuse it by its headers.
    """
    length, chunked = b"0", False
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = value.strip()
        elif name == b"transfer-encoding":
            chunked = True
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    if not chunked and length.isdigit() and int(length) <= limit:
        return receive
    is_sent = False

    async def empty() -> Any:
        nonlocal is_sent
        if not is_sent:
            is_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}
        # The body is read and dropped, so that the client reads the answer.
        return await read_until_left(receive)

    return empty


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            start_key_masking()
            # From now on this process is notified of changed keys and deployments.
            _started.append(asyncio.create_task(pubsub.running_hub().start()))
            set_up_interpreter()
            await send({"type": "lifespan.startup.complete"})
            load_models(then=keep_what_was_loaded)
        elif message["type"] == "lifespan.shutdown":
            await begin_to_leave()
            await close_loop()
            await send({"type": "lifespan.shutdown.complete"})
            return


_started: list[asyncio.Task[None]] = []
_leaving: list[asyncio.Task[None]] = []


def begin_to_leave() -> asyncio.Task[None]:
    """Begin to hand over this process's runs; called at SIGTERM, and safe to call again.

    The server has its own timeout for requests, so this must not wait for them.
    """
    if not _leaving:
        _leaving.append(asyncio.get_running_loop().create_task(_leave()))
    return _leaving[0]


async def _leave() -> None:
    """Accept no more runs, let active ones end, then give back the rest and answer waiters."""
    loop = asyncio.get_running_loop()
    carrier = process_carrier(slots=max(1, settings.ENVIRONMENT.inline_limit))
    carrier.take_no_more()
    end = loop.time() + GRACE_SECONDS
    while (carrier.running or is_waited_for()) and loop.time() < end:
        await asyncio.sleep(LOOK_SECONDS)
    pubsub.announce_shutdown()
    await asyncio.to_thread(carrier.drain, 0.0)
