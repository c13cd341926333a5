"""Who may not be run at once, because runs of theirs wait in line already."""

from __future__ import annotations

import uuid
from collections import OrderedDict

from django.db.models import Q, UUIDField, Value
from django.db.models.functions import Coalesce, Now

from executor.models import Execution
from executor.models.execution import NO_DEPLOYMENT
from executor.threads import in_thread

Place = tuple[str, uuid.UUID | None]

# Callers and their deployments of whom a process remembers that it has queued runs of theirs.
MAX_REMEMBERED = 10_000


class Lines:
    """The lines that this process has queued runs in: of a caller, for a deployment.

    Only who is remembered is asked for in the database, so that it costs the others nothing. For
    one event loop.
    """

    def __init__(self) -> None:
        self._queued: OrderedDict[Place, object] = OrderedDict()

    def note(self, execution: Execution) -> None:
        """This one was queued here."""
        place = (str(execution.caller_key or ""), execution.deployment_id)
        self._queued[place] = object()
        self._queued.move_to_end(place)
        if len(self._queued) > MAX_REMEMBERED:
            self._queued.popitem(last=False)

    async def waits(self, caller_key: str, deployment_id: uuid.UUID | None) -> bool:
        """Whether a run of this caller for this deployment waits to be taken by a worker, whoever
        queued it, as far as this process has queued one.
        """
        place = (caller_key, deployment_id)
        noted = self._queued.get(place)
        if noted is None:
            return False
        if await in_thread(_waits, place):
            return True
        # Unless another one was queued meanwhile.
        if self._queued.get(place) is noted:
            del self._queued[place]
        return False


def _waits(place: Place) -> bool:
    caller_key, deployment_id = place
    # As the index has it.
    deployment = Coalesce("deployment", Value(NO_DEPLOYMENT, UUIDField()))
    mine = (
        Execution.objects.queued()
        .alias(line=deployment)
        .filter(
            Q(not_before=None) | Q(not_before__lte=Now()),
            caller_key=caller_key,
            line=deployment_id or NO_DEPLOYMENT,
            cancel_requested_at=None,
        )
    )
    return bool(mine.exists())


process_lines = Lines()
