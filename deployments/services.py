"""Verbs of deployments: deploy, change, undeploy, invoke."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from deployments.callbacks.deliveries import check_callback
from deployments.calls.lookup import deployed, invalidate_deployments
from deployments.calls.orders import order_of_counted_call
from deployments.errors import EndpointPathInvalid, EndpointPathTaken, PriceUnknown
from deployments.models import LIMITS, Deployment, check_endpoint_path
from deployments.schedules import scheduling
from deployments.schedules.serving import catch_up
from designs.access import Caller
from designs.acting import recorded_as
from designs.auditing.audit import Action
from designs.errors import DesignInvalid
from designs.models import Design
from designs.nested.places import documents_of
from designs.nested.problems import nested_problems
from designs.rows.locking import lock_row
from designs.services import check_draft, version_to_deploy
from executor.acceptance.documents import models_of
from executor.acceptance.runs import change_limit, enqueue
from executor.decisions import problems_of_deciders
from executor.errors import ModelUnavailable
from executor.language_models.registry import default_models, price_of
from executor.models import Execution, Trigger
from executor.tool_connections.naming import tool_problems

CHANGEABLE = frozenset({"endpoint_path", "status", "callback_url", *LIMITS})
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
    EndpointPathTaken, PriceUnknown, ScheduleInvalid, RowGone, and what `version_to_deploy` raises.
    """
    with transaction.atomic():
        lock_row(Design.objects.all(), design.pk)
        _check_path(endpoint_path)
        deployment = Deployment(
            design=design,
            version=version_to_deploy(design=design, number=version, caller=caller),
            endpoint_path=endpoint_path,
            created_by_id=caller.user_id,
        )
        _check_played(deployment, caller)
        _check_tools(deployment, caller)
        _set_fields(deployment, fields)
        _check_deciders(deployment)
        _check_prices(deployment)
        _save(deployment)
        if groups is not None:
            deployment.groups.set(groups)
        if schedule is not None:
            scheduling.set_schedule(deployment=deployment, fields=schedule)
    invalidate_deployments()
    return deployment


def document_to_deploy(design: Design, number: int | None) -> dict[str, Any]:
    """What deploying this version (None: the latest, or else the draft) would offer; empty if the
    draft could not be published.
    """
    versions = design.versions.order_by("-number")
    version = (versions if number is None else versions.filter(number=number)).first()
    if version is not None:
        return version.document
    return {} if check_draft(design).problems else design.draft


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

    Only what differs is written, into the row as it is now: two who change different fields lose
    nothing. Runs already started stay on their version. Raises VersionMisfit, and what
    `deploy_design` raises.
    """
    with transaction.atomic():
        stored = lock_row(Deployment.objects.present().select_related("version"), deployment.pk)
        if schedule is not UNCHANGED:
            # Times that are due until now follow the old rule, and have the old version and input.
            catch_up(list(stored.schedules.values_list("pk", flat=True)))
        changed = _change(stored, version, changes, caller)
        if groups is not None:
            stored.groups.set(groups)
        if schedule is not UNCHANGED:
            scheduling.set_schedule(deployment=stored, fields=schedule, merge=merge)
        if "version_id" in changed:
            scheduling.check_version(deployment=stored, caller=caller)
    for name in (*changed, "updated_at"):
        setattr(deployment, name, getattr(stored, name))
    invalidate_deployments()
    return stored


def _change(
    stored: Deployment, version: int | None, changes: dict[str, Any], caller: Caller
) -> list[str]:
    """Write the differences into the locked row; returns the names of the columns."""
    if "endpoint_path" in changes and changes["endpoint_path"] != stored.endpoint_path:
        _check_path(changes["endpoint_path"])
    if changes.get("status") == Deployment.Status.ERROR:
        # It cannot be chosen: a form only sends back what it showed.
        del changes["status"]
    before = _columns(stored)
    if version is not None and version != stored.version.number:
        stored.version = version_to_deploy(design=stored.design, number=version, caller=caller)
        _check_played(stored, caller)
        _check_tools(stored, caller)
    _set_fields(stored, changes)
    changed = [name for name, new in _columns(stored).items() if new != before[name]]
    if changed:
        if "version_id" in changed:
            _check_deciders(stored)
        if version is not None or "max_cost_usd" in changes:
            _check_prices(stored)
        _save(stored, update_fields=[*changed, "updated_at"])
    if "max_concurrent" in changed:
        change_limit(deployment_id=stored.pk, max_concurrent=stored.max_concurrent)
    return changed


def _columns(deployment: Deployment) -> dict[str, Any]:
    """The values that `change_deployment` may write."""
    names = (*sorted(CHANGEABLE), "version_id", "status_reason")
    return {name: getattr(deployment, name) for name in names}


def undeploy(*, deployment: Deployment, caller: Caller) -> None:
    """Stop offering it: schedules end, the path becomes free, the history stays. Raises RowGone."""
    with transaction.atomic():
        lock_row(Deployment.objects.present(), deployment.pk)
        scheduling.remove_schedules(deployment=deployment)
        deployment.removed_at = timezone.now()
        deployment.status = Deployment.Status.INACTIVE
        deployment.status_reason = f"Undeployed by {caller.name}."[:500]
        with recorded_as(Action.UNDEPLOY):
            deployment.save(update_fields=["removed_at", "status", "status_reason", "updated_at"])
    invalidate_deployments()


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


def _check_played(deployment: Deployment, caller: Caller) -> None:
    """Raises DesignInvalid unless the caller may see all designs that the version names."""
    if problems := nested_problems(deployment.version.document, caller):
        raise DesignInvalid(problems)


def _check_tools(deployment: Deployment, caller: Caller) -> None:
    """Raises DesignInvalid unless all tools that the version names are offered to the caller."""
    if problems := tool_problems(deployment.version.document, caller):
        raise DesignInvalid(problems)


def _check_deciders(deployment: Deployment) -> None:
    """Raises DesignInvalid if approvals ask groups that are not there or too small."""
    if problems := problems_of_deciders(deployment.version.document):
        raise DesignInvalid(problems)


def _check_prices(deployment: Deployment) -> None:
    """Raises PriceUnknown if cost is limited and the price of a model is unknown. A model that does
    not exist yet is checked when it is asked.
    """
    if deployment.max_cost_usd is None:
        return
    document = deployment.version.document
    documents = [document, *documents_of(document).values()]
    models = [name for one in documents for name in models_of(one, default_models())]
    for name in dict.fromkeys(models):
        try:
            price = price_of(name)
        except ModelUnavailable:
            continue
        if price is None:
            raise PriceUnknown(
                f"The cost of {name} is unknown: give it a price in its connection, or limit "
                "tokens instead of cost."
            )


def _save(deployment: Deployment, update_fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic():
            deployment.save(update_fields=update_fields)
    except IntegrityError as error:
        # Someone took the path between our check and our write.
        raise EndpointPathTaken(_taken(deployment.endpoint_path)) from error


def _taken(path: str) -> str:
    return f"Another deployment answers under {path} already. Choose another path."


def path_problem(path: str) -> str:
    """Why nothing can be deployed at the path; empty if something can."""
    try:
        _check_path(path)
    except (EndpointPathInvalid, EndpointPathTaken) as error:
        return str(error)
    return ""


def _check_path(path: str) -> None:
    try:
        check_endpoint_path(path)
    except ValidationError as error:
        raise EndpointPathInvalid(error.messages[0]) from error
    if Deployment.objects.present().filter(endpoint_path=path).exists():
        raise EndpointPathTaken(_taken(path))
