"""What the web server runs."""

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

# Rows can be imported only once Django is set up, which the line above does.
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
    """Django's, with the headers of every answer on those that no middleware sees."""

    def create_request(self, scope: Mapping[str, Any], body_file: Any) -> Any:
        request, refusal = super().create_request(scope, body_file)
        if refusal is not None:
            for name, value in headers.outside_middleware().items():
                refusal[name] = value
        return request, refusal


_django = Handler()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django, and the server's start and stop: runs in this process are finished or given back."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        # Closed before it was accepted, which servers answer with 403.
        await receive()
        await send({"type": "websocket.close", "code": 1003})
        return
    if scope["type"] != "http":
        # What Django does not know either, without its traceback.
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
    """`receive` without the bodies that no view takes; it is refused by its headers alone.

    Django writes a body of any size to a file before it asks who sends it.
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
    told = False

    async def empty() -> Any:
        nonlocal told
        if not told:
            told = True
            return {"type": "http.request", "body": b"", "more_body": False}
        # It is read away and not kept, so that the client comes to hear the answer.
        return await read_until_left(receive)

    return empty


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            start_key_masking()
            # From now on this process hears when a key or a deployment changes.
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
    """Hand over what this process carries: from the moment it is told to end, and once only.

    The server ends requests after a time of its own, so nothing here may wait for that.
    """
    if not _leaving:
        _leaving.append(asyncio.get_running_loop().create_task(_leave()))
    return _leaving[0]


async def _leave() -> None:
    """Take no more runs, let those here end, then give back the rest and answer who waits."""
    loop = asyncio.get_running_loop()
    carrier = process_carrier(slots=max(1, settings.ENVIRONMENT.inline_limit))
    carrier.take_no_more()
    end = loop.time() + GRACE_SECONDS
    while (carrier.running or is_waited_for()) and loop.time() < end:
        await asyncio.sleep(LOOK_SECONDS)
    pubsub.announce_shutdown()
    await asyncio.to_thread(carrier.drain, 0.0)
