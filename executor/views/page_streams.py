"""Opens the event streams of pages."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

from django.http import Http404, HttpResponse, HttpResponseBase

from designs.access import Caller
from designs.requests import PageRequest
from designs.runtime.threads import event_response
from executor.errors import TooManyStreams
from executor.following.broadcasts import CachedAccess, shared_access
from executor.following.open_streams import Place, take_place
from executor.following.sight import sitting

# A stream ends this long after its reader lost the permission or the session.
LOOK_AGAIN_SECONDS = 8.0

Sees = Callable[[Caller, uuid.UUID], Awaitable[bool]]
Events = Callable[[uuid.UUID, CachedAccess[bool], Place], AsyncIterator[bytes]]


async def page_stream(
    request: PageRequest, pk: uuid.UUID, sees: Sees, events: Events
) -> HttpResponseBase:
    """Server-sent `events` of the row while the person `sees` it; they free their place at the end.

    429 if too many streams are open. Raises Http404 if the person does not see the row.
    """
    if not await sees(request.caller, pk):
        raise Http404
    try:
        place = await take_place(request.caller, pk)
    except TooManyStreams as error:
        return HttpResponse(str(error), "text/plain", 429, headers={"Retry-After": "5"})
    session = request.session.session_key

    async def still_sees() -> bool | None:
        return await sees((await sitting(session)).caller, pk)

    access = shared_access((session, sees, pk), still_sees, LOOK_AGAIN_SECONDS)
    access.set(True)
    response = event_response(events(pk, access, place))
    place.belong_to(response)
    return response
