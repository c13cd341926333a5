"""Checks a call of a deployment and makes its order, for every way to call it."""

from __future__ import annotations

import functools
from typing import Any, cast

from django.db import models

from deployments.access.limits import count_request
from deployments.callbacks.deliveries import check_callback, new_delivery
from deployments.calls.lookup import Deployed, deployed
from deployments.errors import DeploymentInactive
from deployments.models import Deployment
from designs.access import Caller
from designs.auditing.audit import Action
from designs.errors import RightMissing
from designs.models import DesignVersion
from executor.acceptance.runs import AuditNote, Order, RowMaker
from executor.models import Execution, Trigger

EXECUTE = "deployments.execute_deployment"


def order_of_call(
    deployment: Deployed,
    *,
    input_data: dict[str, Any],
    trigger: Trigger,
    caller: Caller,
    callback_url: str = "",
) -> Order:
    """The order of a call by a person or key; its `callback_url` replaces the deployment's own.

    Counting the request is apart, because the endpoint counts from its event loop. Raises
    RightMissing, DeploymentInactive, InputInvalid, CallbackRefused.
    """
    check_caller(deployment, caller)
    order = order_for(
        deployment,
        input_data=input_data,
        trigger=trigger,
        caller=caller,
        callback_url=callback_url or deployment.callback_url,
    )
    if callback_url:
        check_callback(callback_url)
    return order


def order_of_counted_call(
    deployment: Deployed, *, input_data: dict[str, Any], trigger: Trigger, caller: Caller
) -> Order:
    """The same from where no event loop runs, with the request counted. Raises RateLimitReached,
    too.
    """
    check_caller(deployment, caller)
    check_callable(deployment)
    # A key's own limits are counted at the door, with whatever it asks for.
    count_request(deployment.request_limits)
    return order_of_call(deployment, input_data=input_data, trigger=trigger, caller=caller)


def order_again(*, execution: Execution, version: DesignVersion, caller: Caller) -> Order:
    """The order of running a deployment's execution again: a call of this version under today's
    rules.
    """
    row = Deployment.objects.select_related("version").get(pk=cast(Any, execution.deployment_id))
    return order_of_counted_call(
        deployed(row, version),
        input_data=execution.input_data,
        trigger=Trigger.MANUAL,
        caller=caller,
    )


def order_for(
    deployment: Deployed,
    *,
    input_data: dict[str, Any],
    trigger: Trigger,
    caller: Caller,
    callback_url: str,
) -> Order:
    """The order of any execution of this deployment, scheduled ones too. Raises DeploymentInactive,
    InputInvalid.
    """
    check_callable(deployment)
    deployment.check_input(input_data)
    if deployment.nested_refusal is not None:
        raise type(deployment.nested_refusal)(str(deployment.nested_refusal))
    audit = None
    if trigger == Trigger.MANUAL and caller.key_id is None:
        # The audit names runs that a person starts by hand; other calls wait for no audit row.
        audit = AuditNote(Action.EXECUTE, details={"deployment": deployment.endpoint_path})
    return Order(
        version=deployment.version,
        input_data=input_data,
        trigger=trigger,
        caller=caller,
        deployment_id=deployment.id,
        limits=deployment.limits,
        nested=deployment.nested,
        max_concurrent=deployment.max_concurrent,
        settles=bool(callback_url),
        audit=audit,
        extra_rows=beside(callback_url),
    )


def beside(callback_url: str) -> tuple[RowMaker, ...]:
    """Rows written together with an execution whose end is posted to `callback_url`."""
    return (functools.partial(_delivery, callback_url),) if callback_url else ()


def check_caller(deployment: Deployed, caller: Caller) -> None:
    """Raises RightMissing unless the caller may execute, and may execute this deployment."""
    caller.require(EXECUTE)
    if not caller.sees(deployment.group_ids, deployment.id):
        if caller.deployment_ids is not None and deployment.id not in caller.deployment_ids:
            raise RightMissing("This API key is bound to other deployments.")
        raise RightMissing("This deployment is limited to groups that you are not in.")


def check_callable(deployment: Deployed) -> None:
    """Raises DeploymentInactive, which says why and what to do."""
    if deployment.is_removed:
        raise DeploymentInactive(
            "This deployment was undeployed, so nothing of it runs any more. "
            "Deploy the design again and call that."
        )
    if deployment.status == Deployment.Status.ERROR:
        reason = deployment.status_reason or "it has an error"
        raise DeploymentInactive(
            f"This deployment takes no calls: {reason} Repair it, then set its status to active."
        )
    if deployment.status != Deployment.Status.ACTIVE:
        raise DeploymentInactive(
            "This deployment is inactive. Set its status to active to call it."
        )
    if deployment.graph is None:
        raise DeploymentInactive(
            "The deployed version has problems and cannot be run. "
            "Publish a repaired version and deploy that."
        )


def _delivery(url: str, execution: Execution) -> models.Model:
    return new_delivery(execution=execution, url=url)
