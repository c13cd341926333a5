"""What can be done with deployments: deploy, change, undeploy, invoke."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from deployments.callbacks import check_callback
from deployments.errors import EndpointPathInvalid, EndpointPathTaken
from deployments.lookup import deployed, tell_change
from deployments.models import Deployment, check_endpoint_path
from deployments.orders import order_of_counted_call
from deployments.schedules import store
from deployments.serving import catch_up
from designs.access import Caller
from designs.acting import recorded_as
from designs.audit import Action
from designs.models import Design
from designs.services import version_to_deploy
from executor import admission
from executor.acceptance import enqueue
from executor.models import Execution, Trigger
from executor.sending import ring

CHANGEABLE = frozenset(
    {
        "endpoint_path",
        "status",
        "timeout_seconds",
        "wait_seconds",
        "max_model_calls",
        "max_tokens",
        "max_cost_usd",
        "max_input_bytes",
        "max_output_bytes",
        "max_concurrent",
        "max_memory_mb",
        "requests_per_minute",
        "requests_per_day",
        "callback_url",
    }
)
UNCHANGED: Any = object()


def deploy_design(
    *,
    design: Design,
    endpoint_path: str,
    caller: Caller,
    version: int | None = None,
    schedule: dict[str, Any] | None = None,
    groups: Iterable[Group] | None = None,
    **fields: Any,
) -> Deployment:
    """Offer a version of the design under a path, and on a schedule if one is given.

    `groups` limits it to these groups; empty or None: open to all who may see deployments.
    A valid design that was never published is published by this. Raises EndpointPathInvalid,
    EndpointPathTaken, ScheduleInvalid, and what `designs.services.version_to_deploy` raises.
    """
    with transaction.atomic():
        _check_path(endpoint_path)
        deployment = Deployment(
            design=design,
            version=version_to_deploy(design=design, number=version, caller=caller),
            endpoint_path=endpoint_path,
            created_by_id=caller.user_id,
        )
        _set_fields(deployment, fields)
        _save(deployment)
        if groups is not None:
            deployment.groups.set(groups)
        if schedule is not None:
            store.set_schedule(deployment=deployment, fields=schedule)
    tell_change()
    return deployment


def change_deployment(
    *,
    deployment: Deployment,
    caller: Caller,
    version: int | None = None,
    schedule: dict[str, Any] | None = UNCHANGED,
    merge: bool = False,
    groups: Iterable[Group] | None = None,
    **changes: Any,
) -> Deployment:
    """Change what is given, leave the rest; `schedule=None` takes the schedule away, with `merge`
    what the schedule says beyond the given stays; empty `groups` open it to all.

    Runs already started stay on their version. Raises what `deploy_design` raises.
    """
    with transaction.atomic():
        if schedule is not UNCHANGED:
            # What was due until now is done by what the schedule said before.
            catch_up(list(deployment.schedules.values_list("pk", flat=True)))
        if "endpoint_path" in changes and changes["endpoint_path"] != deployment.endpoint_path:
            _check_path(changes["endpoint_path"])
        if version is not None and version != deployment.version.number:
            deployment.version = version_to_deploy(
                design=deployment.design, number=version, caller=caller
            )
        _set_fields(deployment, changes)
        _save(deployment)
        if "max_concurrent" in changes:
            # What waits in line heeds the new limit, and a worker looks whether there is room now.
            admission.change_limit(
                deployment_id=deployment.pk, max_concurrent=deployment.max_concurrent
            )
            transaction.on_commit(ring, robust=True)
        if groups is not None:
            deployment.groups.set(groups)
        if schedule is not UNCHANGED:
            write = store.merge_schedule if merge else store.set_schedule
            write(deployment=deployment, fields=schedule)
    tell_change()
    return deployment


def undeploy(*, deployment: Deployment, caller: Caller) -> None:
    """Stop offering it: schedules end, the path becomes free, the history stays."""
    with transaction.atomic():
        store.remove_schedules(deployment=deployment)
        deployment.removed_at = timezone.now()
        deployment.status = Deployment.Status.INACTIVE
        deployment.status_reason = f"Undeployed by {caller.name}."[:500]
        with recorded_as(Action.UNDEPLOY):
            deployment.save(update_fields=["removed_at", "status", "status_reason", "updated_at"])
    tell_change()


def invoke_deployment(
    *, deployment: Deployment, input_data: dict[str, Any], trigger: Trigger, caller: Caller
) -> Execution:
    """Start a run of the deployed version on a worker. Pages, admin and scripts come through here.

    The deployed endpoint builds the same order and may run it in place. Raises RightMissing,
    DeploymentInactive, InputInvalid, RateLimitReached.
    """
    return enqueue(
        order_of_counted_call(
            deployed(deployment), input_data=input_data, trigger=trigger, caller=caller
        )
    )


def _set_fields(deployment: Deployment, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in CHANGEABLE:
            raise TypeError(f"A deployment has no field {name!r} to set.")
        setattr(deployment, name, value)
    if fields.get("callback_url"):
        check_callback(fields["callback_url"])
    if fields.get("status") == Deployment.Status.ACTIVE:
        deployment.status_reason = ""


def _save(deployment: Deployment) -> None:
    try:
        with transaction.atomic():
            deployment.save()
    except IntegrityError as error:
        # Somebody took the path between our look and our write.
        raise EndpointPathTaken(_taken(deployment.endpoint_path)) from error


def _taken(path: str) -> str:
    return f"Another deployment answers under {path} already. Choose another path."


def _check_path(path: str) -> None:
    try:
        check_endpoint_path(path)
    except ValidationError as error:
        raise EndpointPathInvalid(error.messages[0]) from error
    if Deployment.objects.present().filter(endpoint_path=path).exists():
        raise EndpointPathTaken(_taken(path))
