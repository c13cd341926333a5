"""Tries of drafts: who may run one again, what it may use, and how many one person has at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from rest_framework.test import APIClient

from designs.access import SYSTEM, caller_of
from designs.models import Design
from designs.services import change_draft, create_design, publish_design
from executor import states
from executor.errors import TooManyAtOnce
from executor.models import Execution, Status
from executor.services import resume_execution, try_design
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[User], APIClient]
PAID = "openai:gpt-5-mini"
VERBS = pytest.mark.parametrize("verb", ["rerun", "resume"])


@pytest.fixture
def design(db: None) -> Design:
    return create_design(document=doubling(), caller=SYSTEM)


def failed_try(design: Design, **more: Any) -> Execution:
    execution = try_design(design=design, input_data={"number": 1}, caller=SYSTEM, **more)
    assert states.claim(execution.pk, owner="test", lease_seconds=30)
    assert states.finish(execution.pk, Status.FAILED, attempt=1, error={"class": "provider"})
    return Execution.objects.get(pk=execution.pk)


def again(client: APIClient, execution: Execution, verb: str, **body: Any) -> Any:
    return client.post(f"/api/executions/{execution.pk}/{verb}", body or None, format="json")


@VERBS
def test_running_a_try_again_needs_the_right_to_try(
    operator: User, designer: User, api_of: Api, design: Design, verb: str
) -> None:
    execution = failed_try(design)
    refused = again(api_of(operator), execution, verb)
    assert refused.status_code == 403
    assert "designs.try_design" in refused.json()["detail"]
    assert Execution.objects.count() == 1
    assert again(api_of(designer), execution, verb).status_code == 202


@VERBS
def test_the_design_must_be_there_for_who_runs_it_again(
    make_user: Callable[..., User], api_of: Api, design: Design, verb: str
) -> None:
    execution = failed_try(design)
    person = make_user("blind")
    rights = ("view_execution", "operate_execution", "try_design")
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    refused = again(api_of(person), execution, verb)
    assert refused.status_code == 409
    assert "is not there for you" in refused.json()["detail"]


@VERBS
def test_a_key_that_executes_deployments_runs_no_draft(
    designer: User, api_with: Callable[[str], APIClient], design: Design, verb: str
) -> None:
    from deployments.access.keys import create_key

    execution = failed_try(design)
    statuses = {
        scope: again(
            api_with(create_key(owner=designer, scopes=scope)[1]), execution, verb
        ).status_code
        for scope in (("execute",), ("execute", "manage", "read"))
    }
    assert statuses == {("execute",): 403, ("execute", "manage", "read"): 202}


def test_a_try_has_the_installations_limits(
    designer: User, api_of: Api, design: Design, settings: Any
) -> None:
    settings.ENVIRONMENT = replace(
        settings.ENVIRONMENT, try_seconds=9.0, try_model_calls=8, try_cost_usd=0.5
    )
    limits = {"seconds": 9.0, "model_calls": 8, "cost_usd": 0.5, "unpriced": True}
    answer = api_of(designer).post(
        f"/api/designs/{design.pk}/execute", {"input_data": {"number": 1}}, format="json"
    )
    assert Execution.objects.get(pk=answer.json()["log_id"]).limits == limits
    old = failed_try(design)
    Execution.objects.filter(pk=old.pk).update(limits={})
    old.refresh_from_db()
    assert resume_execution(execution=old, caller=SYSTEM).limits == limits


def test_a_person_has_so_many_tries_at_once(
    designer: User, administrator: User, api_of: Api, design: Design, settings: Any
) -> None:
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, tries_at_once=2)
    failed = failed_try(design)
    client, url = api_of(designer), f"/api/designs/{design.pk}/execute"
    body = {"input_data": {"number": 1}}
    first = client.post(url, body, format="json")
    assert again(client, failed, "rerun").status_code == 202
    for refused in (
        client.post(url, body, format="json"),
        again(client, failed, "rerun"),
        again(client, failed, "resume"),
    ):
        assert refused.status_code == 429
        assert "2 tries under way" in refused.json()["detail"]
        assert int(refused["Retry-After"]) > 0
    assert Execution.objects.count() == 3
    assert api_of(administrator).post(url, body, format="json").status_code == 202
    cancelled = client.post(f"{first.json()['status_url']}/cancel")
    assert cancelled.status_code == 202
    assert client.post(url, body, format="json").status_code == 202


def test_tries_that_race_are_no_more_than_so_many(
    designer: User, design: Design, settings: Any
) -> None:
    settings.ENVIRONMENT = replace(settings.ENVIRONMENT, tries_at_once=3)
    caller = caller_of(designer)
    together = threading.Barrier(8)

    def one(_: int) -> bool:
        together.wait()
        try:
            try_design(design=design, input_data={"number": 1}, caller=caller)
        except TooManyAtOnce:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 3
    assert Execution.objects.count() == 3


@pytest.mark.parametrize("version", [None, 1])
@pytest.mark.parametrize("choice", ["same", "newest"])
def test_a_model_that_was_chosen_stays(
    designer: User, api_of: Api, version: int | None, choice: str
) -> None:
    design = create_design(document={**greeting(), "model": PAID}, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    tried = failed_try(design, version=version, model="offline:stand-in")
    changed = {**greeting(), "name": "Newer", "model": PAID}
    change_draft(design=design, caller=SYSTEM, document=changed)
    publish_design(design=design, caller=SYSTEM)
    rerun = again(api_of(designer), tried, "rerun", version=choice)
    first = Execution.objects.get(pk=rerun.json()["log_id"])
    # And once more, from the run that has it from another.
    second = again(api_of(designer), first, "rerun", version=choice)
    for answer in (rerun, second):
        execution = Execution.objects.get(pk=answer.json()["log_id"])
        assert execution.document is not None
        assert execution.document["model"] == "offline:stand-in"
        assert execution.models_default == ["offline:stand-in"]
        assert (execution.document["name"] == "Newer") is (choice == "newest")


def test_a_model_that_is_gone_is_told_of(designer: User, api_of: Api, design: Design) -> None:
    tried = failed_try(design, model="offline:stand-in")
    Execution.objects.filter(pk=tried.pk).update(model_override="gone:model")
    answer = again(api_of(designer), tried, "rerun")
    assert answer.status_code == 422
    assert answer.json()["type"] == "/problems/model-unavailable"


def test_what_a_try_may_use_is_told_before_it_starts(
    designer: User, viewer: User, api_of: Api, design: Design, settings: Any
) -> None:
    settings.ENVIRONMENT = replace(
        settings.ENVIRONMENT, try_seconds=9.0, try_model_calls=8, try_cost_usd=0.5, tries_at_once=3
    )
    url = f"/api/designs/{design.pk}/execute"
    assert api_of(viewer).get(url).status_code == 403
    try_design(design=design, input_data={"number": 1}, caller=caller_of(designer))
    assert api_of(designer).get(url).json() == {
        "limits": {"seconds": 9.0, "model_calls": 8, "cost_usd": 0.5, "at_once": 3},
        "live": 1,
    }
