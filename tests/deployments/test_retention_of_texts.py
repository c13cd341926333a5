"""Retention may remove the texts of a run and keep its figures."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment
from deployments.retention import sweep
from designs.access import SYSTEM
from executor.errors import NotResumable
from executor.models import Execution, Status
from executor.services import rerun_execution, resume_execution
from tests.deployments.ended_runs import HIDDEN_ERROR, PLAIN_ERROR, ended, keep, with_texts

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]


def test_texts_go_and_figures_stay(deploy: Deploy) -> None:
    deployment = deploy()
    old = with_texts(ended(deployment, days_ago=40, degraded=True, degraded_reasons=["It said"]))
    failed = ended(deployment, days_ago=40, status=Status.FAILED, error=HIDDEN_ERROR)
    plain = ended(deployment, days_ago=40, status=Status.FAILED, error=PLAIN_ERROR)
    young = with_texts(ended(deployment, days_ago=20))
    keep(payload_days=30)
    assert (sweep().payloads, sweep().payloads) == (3, 0)
    for row in (old, failed, plain, young):
        row.refresh_from_db()
    assert (old.input_data, old.result_data) == (None, None)
    assert (old.status, old.input_tokens, old.duration_ms) == (Status.COMPLETED, 10, 2_000)
    step, block = old.steps.get(), old.blocks.get()
    assert (step.prompt, step.text, step.output, step.input_tokens) == (None, "", None, 10)
    assert (block.output, block.status) == (None, "completed")
    told = f"{old.degraded_reasons} {block.error} {failed.error}"
    assert "It said" not in told
    assert failed.error is not None
    assert failed.error["class"] == HIDDEN_ERROR["class"]
    assert plain.error == PLAIN_ERROR
    assert young.input_data == {"number": 1}
    assert young.steps.get().text == "said"


def test_the_guard_of_ended_rows_lets_only_retention_pass(deploy: Deploy) -> None:
    execution = ended(deploy(), days_ago=40)
    rows = Execution.objects.filter(pk=execution.pk)
    for change in (
        {"result_data": {"other": 1}, "payload_removed_at": timezone.now()},
        {"status": "failed", "result_data": None, "payload_removed_at": timezone.now()},
        {"result_data": None},
    ):
        with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
            rows.update(**change)
    keep(payload_days=30)
    sweep()
    with pytest.raises(IntegrityError, match="has ended"), transaction.atomic():
        rows.update(error={"class": "made up"})


def test_what_was_emptied_is_not_run_again(deploy: Deploy) -> None:
    execution = ended(deploy(), days_ago=40, status=Status.FAILED)
    keep(payload_days=30)
    assert execution.is_resumable
    sweep()
    execution.refresh_from_db()
    assert not execution.is_resumable
    for again in (rerun_execution, resume_execution):
        with pytest.raises(NotResumable, match="Retention has removed"):
            again(execution=execution, caller=SYSTEM)


def test_a_deployments_page_and_its_runs_open_without_texts(
    deploy: Deploy, administrator: User, browser_of: Callable[[User], Client]
) -> None:
    execution = with_texts(ended(deploy(), days_ago=40))
    keep(payload_days=30)
    sweep()
    browser = browser_of(administrator)
    page = browser.get(f"/executions/{execution.pk}/").content.decode()
    assert "removed" in page
    shown = browser.get(f"/api/executions/{execution.pk}").json()
    assert (shown["input_data"], shown["result_data"]) == (None, None)
    assert shown["payload_removed_at"]
    assert (shown["steps"][0]["text"], shown["steps"][0]["prompt"]) == ("", None)
