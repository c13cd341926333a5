"""A row deleted between its page and the change of it gives 404, not 500."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import models
from django.test import Client

from deployments.access.keys import create_key, revoke_key, rotate_key
from deployments.models import ApiKey, Deployment, Schedule
from deployments.schedules.scheduling import (
    add_schedule,
    change_schedule,
    remove_schedule,
    switch_schedule,
    update_schedule,
)
from deployments.services import change_deployment, deploy_design, undeploy
from designs.access import SYSTEM
from designs.errors import RowGone
from designs.models import Design
from designs.rows import locking
from designs.services import (
    apply_suggestions,
    change_draft,
    create_design,
    delete_design,
    publish_design,
)
from executor.connections import save_connection
from executor.models import ModelConnection
from tests.documents import doubling

pytestmark = pytest.mark.django_db

Deploy = Callable[..., Deployment]
SUGGESTION = {
    "block_id": "a", "agent_id": "a", "current_prompt": "x", "suggested_prompt": "y",
    "reasoning": "z",
}  # fmt: skip

DESIGNS: dict[str, Callable[[Design], object]] = {
    "change": lambda row: change_draft(design=row, caller=SYSTEM, name="New"),
    "publish": lambda row: publish_design(design=row, caller=SYSTEM),
    "delete": lambda row: delete_design(design=row),
    "suggest": lambda row: apply_suggestions(design=row, suggestions=[SUGGESTION], caller=SYSTEM),
    "deploy": lambda row: deploy_design(design=row, endpoint_path="/x", caller=SYSTEM),
}
DEPLOYMENTS: dict[str, Callable[[Deployment], object]] = {
    "change": lambda row: change_deployment(deployment=row, caller=SYSTEM, wait_seconds=5),
    "undeploy": lambda row: undeploy(deployment=row, caller=SYSTEM),
    "schedule": lambda row: add_schedule(deployment=row, fields={"interval_seconds": 60}),
}
SCHEDULES: dict[str, Callable[[Schedule], object]] = {
    "change": lambda row: change_schedule(schedule=row, fields={"interval_seconds": 60}),
    "update": lambda row: update_schedule(schedule=row, changes={"interval_seconds": 60}),
    "switch": lambda row: switch_schedule(schedule=row, enabled=False),
    "remove": lambda row: remove_schedule(schedule=row),
}
KEYS: dict[str, Callable[[ApiKey], object]] = {
    "rotate": lambda row: rotate_key(key=row),
    "revoke": lambda row: revoke_key(key=row),
}


@pytest.mark.parametrize("verb", DESIGNS)
def test_a_design_that_was_deleted(verb: str) -> None:
    design = create_design(document=doubling(), caller=SYSTEM)
    delete_design(design=Design.objects.get(pk=design.pk))
    with pytest.raises(RowGone, match="This design no longer exists"):
        DESIGNS[verb](design)


@pytest.mark.parametrize("verb", DEPLOYMENTS)
def test_a_deployment_that_was_undeployed(deploy: Deploy, verb: str) -> None:
    deployment = deploy()
    undeploy(deployment=Deployment.objects.get(pk=deployment.pk), caller=SYSTEM)
    with pytest.raises(RowGone, match="This deployment no longer exists"):
        DEPLOYMENTS[verb](deployment)


@pytest.mark.parametrize("verb", SCHEDULES)
def test_a_schedule_that_was_deleted(deploy: Deploy, verb: str) -> None:
    deploy(schedule={"interval_seconds": 30})
    stale, gone = Schedule.objects.with_rule().get(), Schedule.objects.with_rule().get()
    remove_schedule(schedule=gone)
    with pytest.raises(RowGone, match="This schedule no longer exists"):
        SCHEDULES[verb](stale)


@pytest.mark.parametrize("verb", KEYS)
def test_a_key_that_was_deleted(operator: User, verb: str) -> None:
    key, _ = create_key(owner=operator)
    ApiKey.objects.filter(pk=key.pk).delete()
    with pytest.raises(RowGone):
        KEYS[verb](key)


def test_a_connection_that_was_deleted_does_not_come_back() -> None:
    row = ModelConnection.objects.create(name="gone", base_url="http://127.0.0.1:9/v1")
    stale = ModelConnection.objects.get()
    row.delete()
    with pytest.raises(RowGone):
        save_connection(connection=stale)
    assert not ModelConnection.objects.exists()


@pytest.fixture
def deleted_while_locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[models.QuerySet[Any]]]:
    """Rows to delete just before the next lock, as if another request were faster."""
    first: list[models.QuerySet[Any]] = []
    lock = locking.lock_row

    def faster(rows: Any, pk: Any, **options: Any) -> Any:
        while first:
            first.pop().delete()
        return lock(rows, pk, **options)

    for module in (
        "designs.drafts.writing", "deployments.services", "deployments.schedules.scheduling",
    ):  # fmt: skip
        monkeypatch.setattr(f"{module}.lock_row", faster)
    yield first
    assert not first


def test_calls_answer_404(
    administrator: User,
    browser_of: Callable[[User], Client],
    deleted_while_locked: list[models.QuerySet[Any]],
) -> None:
    browser = browser_of(administrator)
    for method, path, body in (
        ("DELETE", "", ""), ("PATCH", "", '{"name": "New"}'), ("POST", "/publish", "{}"),
    ):  # fmt: skip
        design = create_design(document=doubling(), caller=SYSTEM)
        deleted_while_locked.append(Design.objects.filter(pk=design.pk))
        url = f"/api/designs/{design.pk}{path}"
        answer = browser.generic(method, url, body, content_type="application/json")
        assert answer.status_code == 404, answer.content
        assert "no longer exists" in answer.json()["detail"]


def test_pages_answer_404(
    deploy: Deploy,
    administrator: User,
    browser_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment = deploy(schedule={"interval_seconds": 30})
    schedule = deployment.schedules.get()
    browser = browser_of(administrator)
    lock = locking.lock_row

    def faster(rows: Any, pk: Any, **options: Any) -> Any:
        return lock(rows.none(), pk, **options)

    for module in ("services", "schedules.scheduling", "schedules.store"):
        monkeypatch.setattr(f"deployments.{module}.lock_row", faster)
    for path, data in (
        ("status/", {"status": "inactive"}),
        ("delete/", {}),
        (f"schedules/{schedule.pk}/switch/", {"enabled": "off"}),
        (f"schedules/{schedule.pk}/delete/", {}),
    ):
        assert browser.post(f"/deployments/{deployment.pk}/{path}", data).status_code == 404, path
