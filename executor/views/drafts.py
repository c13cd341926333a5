"""Notifies pages that have a draft open of each write of it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

from django.http import HttpResponseBase
from django.views.decorators.http import require_safe

from designs.json_text import to_json
from designs.models import Design
from designs.requests import PageRequest, requires
from designs.runtime.threads import in_thread
from executor.following import pubsub
from executor.following.broadcasts import Broadcast, CachedAccess, broadcast_of
from executor.following.open_streams import Place
from executor.following.sight import sees_design
from executor.views.page_streams import page_stream

# Writes within this time are told together.
GATHER_SECONDS = 0.1
# The interval of polls, since a notification may be lost.
POLL_SECONDS = 15.0


@require_safe
@requires("designs.view_design")
async def design_stream(request: PageRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Server-sent events: `revision`, with who wrote it, at the beginning and after each write."""
    return await page_stream(request, pk, sees_design, _revisions)


async def _revisions(
    pk: uuid.UUID, access: CachedAccess[bool], place: Place
) -> AsyncIterator[bytes]:
    try:
        async with broadcast_of(DraftEvents, pk) as broadcast:
            # The current revision first: whatever was written before may have been missed.
            listener, event = broadcast.listen(), broadcast.latest
            while await access.get():
                is_last = listener.is_over
                yield event or b": alive\n\n"
                if is_last:
                    # The browser reconnects: to another process, or to be told of the deletion.
                    return
                event = await listener.next(access.seconds_left)
    finally:
        place.free()


class DraftEvents(Broadcast[bytes]):
    """Publishes the revisions of a draft. The row is re-read: a lost message loses nothing."""

    latest: bytes | None = None

    async def produce(self) -> None:
        async with pubsub.subscribe_to_draft(self.pk) as writes:
            while (event := await in_thread(_event, self.pk)) is not None:
                if event != self.latest:
                    self.latest = event
                    self.publish(event)
                self.mark_ready()
                if pubsub.is_shutting_down():
                    return
                if await writes.next(POLL_SECONDS) is not None:
                    await asyncio.sleep(GATHER_SECONDS)
                while not writes.queue.empty():
                    writes.queue.get_nowait()


def _event(pk: uuid.UUID) -> bytes | None:
    """The current revision; None if the design was deleted."""
    rows = Design.objects.filter(pk=pk).values_list("revision", "changed_by__username")
    row = rows.first()
    if row is None:
        return None
    data = to_json({"revision": row[0], "changed_by": row[1]})
    return b"event: revision\ndata: " + data + b"\n\n"
