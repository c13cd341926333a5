"""Runs, deployments and keys as the home page may find them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment
from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order, enqueue
from executor.models import Execution, Status, Trigger
from executor.models.causes import cause_of
from tests.documents import doubling

Browser = Callable[[User], Client]
CAUSE = cause_of("credential", "openai:gpt-5-mini", "sequential")


def deploy(path: str, name: str = "Weekly digest") -> Deployment:
    design = create_design(document={**doubling(), "name": name}, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    return deploy_design(design=design, endpoint_path=path, caller=SYSTEM)


def run_of(deployment: Deployment, **fields: Any) -> Execution:
    """A queued run, or one with these fields."""
    order = Order(
        deployment.version, {"number": 1}, Trigger.MANUAL, SYSTEM, deployment_id=deployment.pk
    )
    run = enqueue(order)
    if fields:
        Execution.objects.filter(pk=run.pk).update(**fields)
    return run


def ended(deployment: Deployment, status: str = Status.COMPLETED, **fields: Any) -> Execution:
    now = timezone.now()
    times = {"started_at": now - timedelta(seconds=2), "completed_at": now}
    return run_of(deployment, status=status, **times, **fields)


def home(browser: Client, window: str = "24h") -> str:
    answer: Any = browser.get("/", {"window": window}, HTTP_HX_REQUEST="true")
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def part(page: str, name: str) -> str:
    """The section of that id."""
    return page.split(f'id="{name}"')[1].split("</section>")[0]
