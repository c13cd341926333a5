"""Who may not be run at once, because runs of theirs wait in line already."""

from __future__ import annotations

import uuid
from collections import OrderedDict

from designs.runtime.threads import in_thread
from executor.models import Execution
from executor.recording import admission
from executor.recording.admission import Line

# Callers and their deployments of whom a process remembers that runs of theirs wait.
MAX_REMEMBERED = 10_000


class Lines:
    """The lines that this process knows of: of a caller, for a deployment.

    Those that others have made are found by the write of a run that would begin here
    (`recorder.Accept`). This saves the try where a line is known. For one event loop.
    """

    def __init__(self) -> None:
        self._queued: OrderedDict[Line, object] = OrderedDict()

    def note(self, execution: Execution) -> None:
        """This one waits in line, or has met a line."""
        place = (str(execution.caller_key or ""), execution.deployment_id)
        self._queued[place] = object()
        self._queued.move_to_end(place)
        if len(self._queued) > MAX_REMEMBERED:
            self._queued.popitem(last=False)

    async def waits(self, caller_key: str, deployment_id: uuid.UUID | None) -> bool:
        """Whether a run of this caller for this deployment waits to be taken by a worker, as far as
        this process knows.
        """
        place = (caller_key, deployment_id)
        noted = self._queued.get(place)
        if noted is None:
            return False
        if await in_thread(admission.waits, place):
            return True
        # Unless another one was queued meanwhile.
        if self._queued.get(place) is noted:
            del self._queued[place]
        return False


process_lines = Lines()
