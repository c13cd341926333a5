"""Callers whose runs may not start at once, because earlier ones of theirs are queued."""

from __future__ import annotations

import uuid
from collections import OrderedDict

from designs.runtime.threads import in_thread
from executor.models import Execution
from executor.recording import admission
from executor.recording.admission import Line

# Maximum of remembered pairs of a caller and a deployment.
MAX_REMEMBERED = 10_000


class Lines:
    """The lines that this process knows of: queued runs of a caller for a deployment.

    `recorder.Accept` finds lines of other processes too; this saves the attempt where a line is
    known. For one event loop.
    """

    def __init__(self) -> None:
        self._queued: OrderedDict[Line, object] = OrderedDict()

    def note(self, execution: Execution) -> None:
        """This one was queued, or met a line."""
        place = (str(execution.caller_key or ""), execution.deployment_id)
        self._queued[place] = object()
        self._queued.move_to_end(place)
        if len(self._queued) > MAX_REMEMBERED:
            self._queued.popitem(last=False)

    async def waits(self, caller_key: str, deployment_id: uuid.UUID | None) -> bool:
        """True if a run of this caller for this deployment is queued, as far as this process
        knows.
        """
        place = (caller_key, deployment_id)
        noted = self._queued.get(place)
        if noted is None:
            return False
        if await in_thread(admission.waits, place):
            return True
        # Unless another run was queued meanwhile.
        if self._queued.get(place) is noted:
            del self._queued[place]
        return False


process_lines = Lines()
