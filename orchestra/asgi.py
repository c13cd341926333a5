"""What the web server runs."""

from __future__ import annotations

import asyncio
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "orchestra.settings")  # noqa: TID251

from django.core.asgi import get_asgi_application  # noqa: E402

GRACE_SECONDS = 5.0

_django = get_asgi_application()

# Rows can be imported only once Django is set up, which the line above does.
from executor.carrier import existing_carrier  # noqa: E402
from orchestra import fast_lane  # noqa: E402


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Django, and the server's start and stop: runs in this process are finished or given back."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif not (fast_lane.takes(scope) and await fast_lane.answer(scope, receive, send)):
        await _django(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            carrier = existing_carrier()
            if carrier is not None:
                await asyncio.to_thread(carrier.drain, GRACE_SECONDS)
            await send({"type": "lifespan.shutdown.complete"})
            return
