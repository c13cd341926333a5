"""Running a deployment's execution again, or resuming it, asks what a call of it asks today."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from rest_framework.test import APIClient

from deployments.models import Delivery, Deployment
from deployments.services import change_deployment, invoke_deployment, undeploy
from designs.access import SYSTEM
from designs.auditing.audit import Action
from designs.models import AuditEntry
from designs.services import change_draft, publish_design
from executor import states
from executor.models import Execution, Status, Trigger
from tests.documents import cyclic, doubling

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
KeyOf = Callable[..., str]
Api = Callable[[str], APIClient]

VERBS = pytest.mark.parametrize("verb", ["rerun", "resume"])


@pytest.fixture
def client(operator: User, key_of: KeyOf, api_with: Api) -> APIClient:
    return api_with(key_of(operator))


@pytest.fixture
def failed(deploy: Deploy) -> Execution:
    """A run of a deployment that has failed, which can be resumed."""
    return failed_run(deploy())


def failed_run(deployment: Deployment) -> Execution:
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": 4}, trigger=Trigger.API, caller=SYSTEM
    )
    claimed = states.claim(execution.pk, owner="test", lease_seconds=30)
    assert claimed is not None
    assert states.finish(execution.pk, Status.FAILED, attempt=1, error={"class": "provider"})
    return Execution.objects.get(pk=execution.pk)


def post(client: APIClient, execution: Execution, verb: str, **body: Any) -> Any:
    return client.post(f"/api/executions/{execution.pk}/{verb}", body or None, format="json")


def deployment_of(execution: Execution) -> Deployment:
    assert execution.deployment is not None
    return execution.deployment


@VERBS
def test_todays_limits_are_frozen_and_the_audit_tells_of_it(
    client: APIClient, failed: Execution, verb: str
) -> None:
    change_deployment(
        deployment=deployment_of(failed),
        caller=SYSTEM,
        timeout_seconds=7,
        max_model_calls=3,
        max_concurrent=2,
    )
    answer = post(client, failed, verb)
    assert answer.status_code == 202, answer.content
    again = Execution.objects.get(pk=answer.json()["log_id"])
    assert again.limits == {"seconds": 7.0, "model_calls": 3}
    assert (again.max_concurrent, again.status) == (2, Status.QUEUED)
    assert again.deadline_at is not None
    assert (again.version_id, again.input_data) == (failed.version_id, {"number": 4})
    assert failed.pk in (again.rerun_of_id, again.resumed_from_id)
    assert again.caller_key.startswith("key:")
    entry = AuditEntry.objects.get(action__in=(Action.RERUN, Action.RESUME))
    assert (entry.object_pk, entry.actor_name) == (str(failed.pk), "operator")
    assert entry.additional_data["new_execution"] == again.public_id


@VERBS
def test_what_takes_no_calls_runs_nothing_again(
    client: APIClient, failed: Execution, verb: str
) -> None:
    deployment = deployment_of(failed)
    change_deployment(deployment=deployment, caller=SYSTEM, status="inactive")
    called = client.post("/api/deployed/double", {"number": 1}, format="json")
    refused = post(client, failed, verb)
    assert (refused.status_code, refused.json()) == (409, called.json())
    Deployment.objects.filter(pk=deployment.pk).update(status="error", status_reason="It burns.")
    assert "takes no calls: It burns." in post(client, failed, verb).json()["detail"]
    undeploy(deployment=deployment, caller=SYSTEM)
    gone = post(client, failed, verb)
    assert gone.status_code == 409
    assert "was undeployed" in gone.json()["detail"]
    assert Execution.objects.count() == 1
    assert not AuditEntry.objects.filter(action__in=(Action.RERUN, Action.RESUME)).exists()


@VERBS
def test_it_needs_the_right_to_execute(
    failed: Execution, make_user: Callable[..., User], key_of: KeyOf, api_with: Api, verb: str
) -> None:
    person = make_user("janitor", "Viewer")
    person.user_permissions.add(Permission.objects.get(codename="operate_execution"))
    refused = post(api_with(key_of(person)), failed, verb)
    assert refused.status_code == 403
    assert "deployments.execute_deployment" in refused.json()["detail"]
    assert Execution.objects.count() == 1


@VERBS
def test_a_key_does_so_within_its_scope_and_its_deployments(
    failed: Execution, deploy: Deploy, operator: User, key_of: KeyOf, api_with: Api, verb: str
) -> None:
    other = deploy(path="/other")
    for bounds, status in (
        ({"scopes": ("read",)}, 403),
        ({"deployments": [other]}, 404),
        ({"scopes": ("execute",), "deployments": [failed.deployment]}, 202),
    ):
        assert post(api_with(key_of(operator, **bounds)), failed, verb).status_code == status


@VERBS
def test_what_is_limited_to_a_group_is_not_there_for_others(
    client: APIClient, failed: Execution, verb: str
) -> None:
    designers = Group.objects.get(name="Designer")
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, groups=[designers])
    assert post(client, failed, verb).status_code == 404


@VERBS
def test_it_is_counted_as_a_request_of_the_deployment(
    client: APIClient, failed: Execution, verb: str
) -> None:
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, requests_per_day=2)
    assert client.post("/api/deployed/double", {"number": 1}, format="json").status_code == 200
    assert post(client, failed, verb).status_code == 202
    refused = post(client, failed, verb)
    assert refused.status_code == 429
    assert refused.json()["violated-policies"] == ["deployment-day"]
    assert int(refused["Retry-After"]) > 0
    assert client.post("/api/deployed/double", {"number": 1}, format="json").status_code == 429


@VERBS
def test_it_is_counted_as_a_request_of_the_key(
    failed: Execution, operator: User, key_of: KeyOf, api_with: Api, verb: str
) -> None:
    client = api_with(key_of(operator, requests_per_day=2))
    assert [post(client, failed, verb).status_code for _ in range(3)] == [202, 202, 429]


@VERBS
def test_its_end_is_called_back(client: APIClient, failed: Execution, verb: str) -> None:
    url = "https://example.com/hook"
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, callback_url=url)
    again = Execution.objects.get(pk=post(client, failed, verb).json()["log_id"])
    assert again.settles is True
    delivery = Delivery.objects.get(execution=again)
    assert (delivery.url, delivery.deployment_id) == (url, failed.deployment_id)


@VERBS
def test_an_input_that_is_too_large_today_is_refused(
    client: APIClient, failed: Execution, verb: str
) -> None:
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, max_input_bytes=5)
    assert post(client, failed, verb).status_code == 413


def test_the_newest_version_runs_by_the_deployments_rules_too(
    client: APIClient, failed: Execution
) -> None:
    changed = doubling()
    changed["blocks"][1]["settings"] = {"expression": "sum([sum(incoming), `100`])"}
    change_draft(design=failed.design, caller=SYSTEM, document=changed)
    newest = publish_design(design=failed.design, caller=SYSTEM)
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, max_tokens=5)
    answer = post(client, failed, "rerun", version="newest")
    again = Execution.objects.get(pk=answer.json()["log_id"])
    assert (again.version, again.limits["tokens"]) == (newest, 5)
    change_draft(design=failed.design, caller=SYSTEM, document=cyclic())
    change_deployment(deployment=deployment_of(failed), caller=SYSTEM, status="inactive")
    assert post(client, failed, "rerun", version="newest").status_code == 409
