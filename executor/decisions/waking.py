"""Waking a run once a request of it is closed, and telling who follows it."""

from __future__ import annotations

import uuid

from designs.runtime import faults
from executor import states
from executor.following import pubsub
from executor.following.sending import notify_workers
from executor.models import Status


def wake_run(pk: uuid.UUID) -> None:
    """To be called after the commit that closed a request. Never raises for a run that another
    process woke, or that does not wait any more.
    """
    faults.reach("wake.before")
    if states.wake(pk):
        faults.reach("wake.after")
        pubsub.publish_change(pk, Status.QUEUED)
        notify_workers()
    else:
        tell_followers(pk)


def tell_followers(pk: uuid.UUID) -> None:
    """Something of the run's requests has changed."""
    pubsub.publish_change(pk, "changed")
