"""Requests that bypass Django's middlewares, and the answers to them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_cache_control

from deployments.api.late_bodies import LateRequest, read_until_left
from orchestra.server import headers

# The headers that the middlewares would add.
_HEADERS = {
    name.lower().encode(): value.encode() for name, value in headers.outside_middleware().items()
}


def read_head(scope: dict[str, Any], receive: Any) -> LateRequest | None:
    """The request with its body unread; None if Django must handle it."""
    try:
        request = LateRequest(scope, receive)
        request.get_host()
    except (DisallowedHost, UnicodeDecodeError):
        return None
    return None if settings.SECURE_SSL_REDIRECT and not request.is_secure() else request


async def send_answer(response: HttpResponseBase, receive: Any, send: Any) -> None:
    """Send the whole answer; a stream until its client leaves."""
    if not isinstance(response, StreamingHttpResponse):
        content: bytes = response.content  # type: ignore[attr-defined]
        length = (b"content-length", str(len(content)).encode())
        await send(_start(response, length))
        await send({"type": "http.response.body", "body": content})
        return
    patch_cache_control(response, no_store=True)
    sending = asyncio.ensure_future(_send_parts(response, send))
    leaving = asyncio.ensure_future(read_until_left(receive))
    try:
        await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, leaving):
            task.cancel()
        await asyncio.wait({sending, leaving})
    if not sending.cancelled():
        sending.result()


async def _send_parts(response: StreamingHttpResponse, send: Any) -> None:
    await send(_start(response))
    async with aclosing(aiter(response)) as parts:  # type: ignore[type-var]
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _start(response: HttpResponseBase, *more: tuple[bytes, bytes]) -> dict[str, Any]:
    own = {n.lower().encode("latin-1"): v.encode("latin-1") for n, v in response.items()}
    sent = [*{**_HEADERS, **own}.items(), *more]
    return {"type": "http.response.start", "status": response.status_code, "headers": sent}
