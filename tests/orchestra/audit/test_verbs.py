"""What people do that changes no audited row: runs, exports, keys, sign-ins."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from deployments.callbacks.deliveries import redeliver
from deployments.models import ApiKey, Delivery, Deployment
from deployments.schedules.backfill import start_backfill
from designs.access import SYSTEM, Caller, caller_of
from designs.acting import acting
from designs.auditing.audit import Action, AuditEntry
from executor import states
from executor.models import Execution
from executor.services import cancel_execution, rerun_execution, resume_execution, try_design
from orchestra.audit import sign_ins
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

Written = Callable[..., list[AuditEntry]]
Deploy = Callable[..., Deployment]
Browser = Callable[[User], Client]


def verbs(found: list[AuditEntry]) -> list[str]:
    return [entry.action_name for entry in found]


def test_runs_started_and_stopped_by_hand(
    operator: User, browser_of: Browser, deploy: Deploy, written: Written
) -> None:
    browser = browser_of(operator)
    url = f"/deployments/{deploy().pk}/execute/"
    browser.post(url, {"input_data": '{"number": 1}'}, REMOTE_ADDR="192.0.2.3")
    first = Execution.objects.get()
    assert (first.caller_address, first.user_id, first.key_id) == ("192.0.2.3", operator.pk, None)
    browser.post(f"/executions/{first.pk}/cancel/")
    for verb in ("rerun", "resume"):
        browser.post(f"/executions/{first.pk}/{verb}/")
    found = [entry for entry in written() if entry.model == "executor.execution"]
    assert verbs(found) == ["execute", "cancel", "rerun", "resume"]
    assert {entry.actor_name for entry in found} == {"operator"}
    assert found[0].additional_data == {"deployment": "/double"}
    again = Execution.objects.get(rerun_of=first)
    assert found[2].additional_data == {"new_execution": again.public_id}
    assert {entry.object_repr for entry in found} == {first.public_id}


def test_what_is_refused_is_not_there(
    operator: User, browser_of: Browser, deploy: Deploy, written: Written
) -> None:
    browser_of(operator).post(f"/deployments/{deploy().pk}/execute/", {"input_data": "{}"})
    assert not [entry for entry in written() if entry.model == "executor.execution"]


def test_by_services_with_a_caller(designer: User, deploy: Deploy, written: Written) -> None:
    caller = caller_of(designer)
    design = deploy().design
    run = try_design(design=design, input_data={"number": 1}, caller=caller)
    cancel_execution(execution=run, caller=caller)
    with pytest.raises(Exception, match="ended already"):
        cancel_execution(execution=run, caller=caller)
    run.refresh_from_db()
    rerun_execution(execution=run, caller=caller)
    resume_execution(execution=run, caller=caller)
    found = written(actor_name="designer")
    assert verbs(found) == ["execute", "cancel", "rerun", "resume"]


def test_filling_in_and_delivering_again(deployer: User, deploy: Deploy, written: Written) -> None:
    row = deploy(
        callback_url="https://example.org/told",
        schedule={"interval_seconds": 3600, "input_data": {"number": 1}, "overlap": "allow"},
    )
    schedule = row.schedules.get()
    type(schedule).objects.filter(pk=schedule.pk).update(
        anchor_at=timezone.now() - timedelta(hours=9)
    )
    now = timezone.now()
    with acting(caller_of(deployer), "192.0.2.4"):
        start_backfill(schedule=schedule, since=now - timedelta(hours=3), until=now)
        run = Execution.objects.first() or pytest.fail("nothing was filled in")
        states.cancel_unstarted(run.pk, error={})
        redeliver(delivery=Delivery.objects.get(execution=run))
    filled, sent = written(actor_name="deployer")
    assert verbs([filled, sent]) == ["backfill", "redeliver"]
    assert filled.additional_data["runs"] >= 1
    assert filled.deployment_id == row.pk
    assert sent.additional_data == {"url": "https://example.org/told"}
    # They are the schedule's runs, not that person's.
    assert (run.user_id, run.caller_address) == (None, None)


def test_keys(operator: User, browser_of: Browser, written: Written) -> None:
    browser = browser_of(operator)
    browser.post("/keys/new/", {"name": "Mine", "scopes": ["read"]})
    key = ApiKey.objects.get()
    browser.post(f"/keys/{key.pk}/rotate/", {"overlap_seconds": "3600"})
    browser.post(f"/keys/{key.pk}/revoke/")
    made, rotated, revoked = written(object_pk=str(key.pk))
    assert verbs([made, rotated, revoked]) == ["create", "rotate", "revoke"]
    assert rotated.changes["digest"] == ["(secret)", "(secret)"]
    assert list(revoked.changes) == ["revoked_at"]


def test_exports(designer: User, browser_of: Browser, deploy: Deploy, written: Written) -> None:
    designer.is_staff = True
    designer.save()
    row = deploy()
    browser = browser_of(designer)
    run = try_design(design=row.design, input_data={"number": 1}, caller=caller_of(designer))
    for url in (
        f"/api/designs/{row.design_id}/export",
        f"/admin/designs/design/{row.design_id}/export/",
        f"/admin/designs/designversion/{row.version_id}/export/",
        f"/executions/{run.pk}/result/",
    ):
        assert browser.get(url).status_code == 200, url
    found = written(action=Action.EXPORT)
    kinds = ["designs.design", "designs.design", "designs.designversion", "executor.execution"]
    assert [entry.model for entry in found] == kinds
    assert {entry.actor_name for entry in found} == {"designer"}


def test_a_run_for_a_caller_without_a_person_is_no_persons(
    deploy: Deploy, written: Written
) -> None:
    """What a schedule cancels, its occurrence tells."""
    nobody = dataclasses.replace(Caller(None, "schedule x", frozenset(), frozenset()))
    design = deploy().design
    run = try_design(design=design, input_data={"number": 1}, caller=SYSTEM)
    cancel_execution(execution=run, caller=nobody)
    assert not written(action=Action.CANCEL)


def sign_in(name: str, password: str, **more: Any) -> Client:
    browser = Client()
    browser.post("/sign-in/", {"username": name, "password": password}, **more)
    return browser


def test_signing_in_and_out(viewer: User, written: Written) -> None:
    sign_in("viewer", PASSWORD, REMOTE_ADDR="192.0.2.5").post("/sign-out/")
    first, second = written(object_pk=str(viewer.pk), action__gte=Action.SIGN_IN)
    assert verbs([first, second]) == ["sign_in", "sign_out"]
    assert (first.actor_name, first.remote_addr) == ("viewer", "192.0.2.5")


def test_failing_to(viewer: User, written: Written) -> None:
    sign_in("viewer", "wrong", REMOTE_ADDR="192.0.2.6")
    sign_in("my pass phrase in the wrong field", "x")
    known, unknown = written(action=Action.SIGN_IN_FAILED)
    assert (known.object_pk, known.object_repr) == (str(viewer.pk), "viewer")
    assert (known.actor_name, known.actor_id, known.remote_addr) == ("nobody", None, "192.0.2.6")
    assert (unknown.object_pk, unknown.object_repr) == ("", "unknown name")


def test_failures_do_not_fill_the_table(
    viewer: User, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_ins, "MAX_FAILURES_A_MINUTE", 2)
    for number in range(4):
        sign_in("viewer", "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    assert len(written(action=Action.SIGN_IN_FAILED)) == 2
