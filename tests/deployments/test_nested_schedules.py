"""A planned run of a design whose inner design is not there: it fails with a sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployments.models import Deployment, Occurrence, Schedule
from deployments.schedules.pump import wake_schedules
from deployments.services import change_deployment, undeploy
from designs.access import SYSTEM
from designs.services import change_draft, publish_design
from executor.models import Execution, Status
from tests.deployments.test_nested_runs import playing

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_a_failed_run_and_the_schedule_goes_on(
    deploy: Callable[..., Deployment], scheduled: Callable[..., Schedule]
) -> None:
    inner = deploy(path="/inner")
    schedule = scheduled(path="/outer")
    design = schedule.deployment.design
    change_draft(design=design, document=playing("/inner"), caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    change_deployment(deployment=schedule.deployment, version=2, caller=SYSTEM)
    undeploy(deployment=inner, caller=SYSTEM)

    wake_schedules()

    run = Execution.objects.get()
    assert run.status == Status.FAILED
    assert run.error is not None
    assert run.error["class"] == "nested"
    assert "what is deployed at /inner, which is not there" in run.error["message"]
    assert Occurrence.objects.filter(execution=run).exists()
