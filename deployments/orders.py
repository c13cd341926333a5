"""What an execution of a deployment freezes, however it is started."""

from __future__ import annotations

from typing import Any

from deployments.errors import DeploymentInactive
from deployments.lookup import Deployed
from deployments.models import Deployment
from designs.access import Caller
from executor.models import Trigger
from executor.services import Order


def order_for(
    ready: Deployed, *, input_data: dict[str, Any], trigger: Trigger, caller: Caller
) -> Order:
    """What an execution of this deployment freezes. Raises DeploymentInactive, InputInvalid."""
    check_callable(ready)
    ready.check_input(input_data)
    return Order(
        version=ready.version,
        input_data=input_data,
        trigger=trigger,
        caller=caller,
        deployment_id=ready.id,
        limits=ready.limits,
        max_concurrent=ready.max_concurrent,
        settles=bool(ready.callback_url),
    )


def check_callable(ready: Deployed) -> None:
    """Raises DeploymentInactive with a sentence that says why, and what to do."""
    if ready.status != Deployment.Status.ACTIVE:
        raise DeploymentInactive(_why_not(ready))
    if ready.graph is None:
        raise DeploymentInactive(
            "The deployed version has problems and cannot be run. "
            "Publish a repaired version and deploy that."
        )


def _why_not(ready: Deployed) -> str:
    if ready.status == Deployment.Status.ERROR:
        reason = ready.status_reason or "it has an error"
        return f"This deployment takes no calls: {reason} Repair it, then set its status to active."
    return "This deployment is inactive. Set its status to active to call it."
