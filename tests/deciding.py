"""Runs that wait for people, and the requests that they wait for."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from deployments.services import deploy_design
from designs.access import SYSTEM, caller_of
from designs.services import create_design
from executor.acceptance.runs import Order
from executor.decisions import Ballot, vote
from executor.models import DecisionRequest, Execution, Status, Trigger
from tests.documents import doubling
from tests.executions import new_execution

COST_CENTRE = {
    "type": "object",
    "properties": {"cost_centre": {"type": "string", "minLength": 2}},
    "required": ["cost_centre"],
}
WAITING = {"status": Status.WAITING, "attempt": 1}
QUESTION = "Pay 1,200 EUR to ACME?"


def waiting_run(deployment: Any = None, user: User | None = None, **fields: Any) -> Execution:
    """A run of a deployment (a new one) that waits, started by this person or the installation."""
    deployment = deployment or deployment_at(f"/pay/{uuid.uuid4().hex}")
    caller = SYSTEM if user is None else caller_of(user)
    order = Order(
        version=deployment.version, input_data={"number": 1}, trigger=Trigger.MANUAL,
        caller=caller, deployment_id=deployment.pk,
    )  # fmt: skip
    execution = new_execution(order, **{**WAITING, "waiting_since": timezone.now(), **fields})
    execution.save(force_insert=True)
    return Execution.objects.get(pk=execution.pk)


def waiting_try(user: User | None = None) -> Execution:
    """A run of a design without a deployment."""
    design = create_design(document=doubling(), caller=SYSTEM)
    caller = SYSTEM if user is None else caller_of(user)
    order = Order(
        version=None, design_id=design.pk, document=doubling(), input_data={"number": 1},
        trigger=Trigger.MANUAL, caller=caller,
    )  # fmt: skip
    execution = new_execution(order, waiting_since=timezone.now(), **WAITING)
    execution.save(force_insert=True)
    return Execution.objects.get(pk=execution.pk)


def deployment_at(path: str) -> Any:
    design = create_design(document=doubling(), caller=SYSTEM)
    return deploy_design(design=design, endpoint_path=path, caller=SYSTEM)


def ask(execution: Execution | None = None, **fields: Any) -> DecisionRequest:
    """A request of the run (a new one) to the group finance."""
    execution = execution or waiting_run()
    number = execution.requests.count()
    given = {
        "key": f"release/{number}", "kind": "approval", "block_id": "release",
        "group": "finance", "question": QUESTION, "shown": {"amount": 1200}, **fields,
    }  # fmt: skip
    return DecisionRequest.objects.create(execution=execution, **given)


def join(name: str, *users: User) -> Group:
    group, _ = Group.objects.get_or_create(name=name)
    for user in users:
        user.groups.add(group)
    return group


def cast(request: DecisionRequest, user: User, verdict: str = "approve", **said: Any) -> Any:
    """The request after the person's vote."""
    fresh = User.objects.get(pk=user.pk)
    return vote(request=request, caller=caller_of(fresh), ballot=Ballot(verdict, **said))
