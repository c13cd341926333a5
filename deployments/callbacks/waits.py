"""Callbacks that tell that a run waits: written once for each wait, beside that of its end."""

from __future__ import annotations

import json
import uuid
from typing import Any, cast

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from deployments.models import Delivery
from designs.json_text import to_json
from executor.decisions import waiting_for
from executor.following.answers import usage_of
from executor.models import Execution


def untold() -> QuerySet[Execution]:
    """Runs that wait and whose end will be told, without a callback about this wait."""
    own = Delivery.objects.filter(execution=OuterRef("pk"))
    told = own.filter(wait_attempt=OuterRef("attempt"))
    rows = Execution.objects.waiting().filter(settles=True)
    return rows.filter(Exists(own.of_ends()), ~Exists(told))


def tell_waiting(pk: uuid.UUID) -> None:
    """Write the callback, if the run waits and nobody has. What it says stays the same at every
    try.
    """
    run = untold().filter(pk=pk).first()
    if run is None:
        return
    said: dict[str, Any] = {
        "timestamp": run.waiting_since,
        "waiting_for": waiting_for(pk),
        "usage": usage_of(run),
    }
    end = Delivery.objects.of_ends().get(execution=pk)
    row = Delivery(
        execution=run,
        deployment_id=end.deployment_id,
        url=end.url,
        wait_attempt=run.attempt,
        waiting=json.loads(to_json(said)),
        next_attempt_at=cast(Any, Now()),
    )
    Delivery.objects.bulk_create([row], ignore_conflicts=True)


def payload_of_wait(delivery: Delivery) -> dict[str, Any]:
    run, said = delivery.execution, delivery.waiting or {}
    return {
        "type": "execution.waiting",
        "timestamp": said.get("timestamp"),
        "data": {
            "execution_id": run.public_id,
            "log_id": run.pk,
            "deployment_id": delivery.deployment_id,
            "endpoint_path": delivery.deployment.endpoint_path,
            "status": "waiting",
            "trigger_type": run.trigger_type,
            "waiting_for": said.get("waiting_for"),
            "usage": said.get("usage"),
            "started_at": run.started_at,
        },
    }
