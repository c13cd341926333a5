"""A deployment limited to groups is not there for others, whichever page of the admin they try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model
from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from deployments.access.keys import create_key
from deployments.models import (
    ApiKey,
    Delivery,
    Deployment,
    IdempotencyKey,
    Occurrence,
    Schedule,
)
from deployments.services import invoke_deployment
from designs.access import SYSTEM
from executor.models import BlockResult, Execution, Step, Trigger
from tests.admin_pages import act, saved, text_of, url_of

pytestmark = pytest.mark.django_db
SECRET = "/secret-plans"
# So long that no random id or time on a page holds it by chance.
PAYLOAD = 471_147_114_711
MODELS: tuple[type[Model], ...] = (
    Deployment, Schedule, Occurrence, IdempotencyKey, Execution, BlockResult, Step, PeriodicTask,
    Delivery,
)  # fmt: skip


@pytest.fixture
def outsider(make_user: Callable[..., User]) -> User:
    """May nearly everything, but is in no group that the deployment is limited to."""
    user = make_user("outsider", "Deployer", is_staff=True)
    user.user_permissions.set(Permission.objects.all())
    return user


@pytest.fixture
def browser(outsider: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(outsider)


@pytest.fixture
def hidden(deploy: Callable[..., Deployment]) -> dict[type[Model], Any]:
    """A row of each model that belongs to a deployment limited to another group."""
    designers = Group.objects.filter(name="Designer")
    deployment = deploy(path=SECRET, schedule={"cron_expression": "7 7 * * *"}, groups=designers)
    execution = invoke_deployment(
        deployment=deployment, input_data={"number": PAYLOAD}, trigger=Trigger.MANUAL, caller=SYSTEM
    )
    schedule = deployment.schedules.get()
    at = schedule.next_due_at
    return {
        Deployment: deployment,
        Schedule: schedule,
        PeriodicTask: schedule.beat_task,
        Occurrence: Occurrence.objects.create(schedule=schedule, due_at=at, outcome="ran"),
        Execution: execution,
        BlockResult: execution.blocks.create(block_id="pair"),
        Step: execution.steps.create(
            key="pair/1", block_id="pair", purpose="answer", started_at=at, finished_at=at
        ),
        Delivery: Delivery.objects.create(
            deployment=deployment, execution=execution, url="https://example.org/told"
        ),
        IdempotencyKey: IdempotencyKey.objects.create(
            deployment=deployment, caller="user:1", key="k", body_digest="d", execution=execution
        ),
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_lists_and_pages_do_not_have_it(
    browser: Client, admin_client: Client, hidden: dict[type[Model], Any], model: type[Model]
) -> None:
    row = hidden[model]
    seen = admin_client.get(url_of(model, "changelist"))
    assert list(seen.context["cl"].result_list) == [row]
    page = browser.get(url_of(model, "changelist"))
    assert page.context["cl"].result_count == 0
    assert SECRET not in text_of(page)
    assert SECRET not in text_of(browser.get(url_of(model, "changelist"), {"q": "secret"}))
    for name in ("change", "history", "delete"):
        answer = browser.get(url_of(row, name))
        assert answer.status_code in (302, 403), name
        assert SECRET not in answer.get("Location", "")


@pytest.mark.parametrize(
    ("app", "model", "field"),
    [("executor", "execution", "deployment"), ("deployments", "schedule", "deployment")],
)
def test_the_choice_while_typing_does_not_offer_it(
    browser: Client, admin_client: Client, hidden: Any, app: str, model: str, field: str
) -> None:
    query = {"app_label": app, "model_name": model, "field_name": field, "term": "secret"}
    found = admin_client.get("/admin/autocomplete/", query).json()["results"]
    assert [one["text"] for one in found] == [SECRET]
    assert browser.get("/admin/autocomplete/", query).json()["results"] == []


def test_filters_do_not_name_it(browser: Client, admin_client: Client, hidden: Any) -> None:
    query = {"deployment__id__exact": hidden[Deployment].pk}
    url = url_of(Execution, "changelist")
    assert SECRET in text_of(admin_client.get(url, query))
    page = browser.get(url, query)
    assert (page.status_code, SECRET in text_of(page)) == (200, False)


def test_it_is_no_choice_in_forms(browser: Client, hidden: Any) -> None:
    pk = hidden[Deployment].pk
    for page in (
        saved(browser, url_of(Schedule, "add"), deployment=pk, interval_seconds="60"),
        saved(browser, url_of(ApiKey, "add"), deployments=[pk]),
    ):
        assert SECRET not in text_of(page)
        assert "Select a valid choice" in text_of(page)
    assert hidden[Deployment].schedules.count() == 1
    assert not ApiKey.objects.exists()


def test_verbs_do_not_reach_it(browser: Client, hidden: Any) -> None:
    deployment, execution = hidden[Deployment], hidden[Execution]
    for row, verb in (
        (deployment, "execute"), (deployment, "clone"), (execution, "rerun"), (execution, "cancel"),
        (deployment, "callback_secret"), (hidden[Delivery], "redeliver"),
    ):  # fmt: skip
        assert browser.post(url_of(row, verb), {"input_data": "{}"}).status_code == 404
    for row, action in (
        (deployment, "deactivate"), (deployment, "execute_selected"),
        (deployment, "delete_selected"), (execution, "cancel_selected"),
        (hidden[Schedule], "disable"), (hidden[PeriodicTask], "disable_tasks"),
    ):  # fmt: skip
        act(browser, row, action, post="yes")
    assert Execution.objects.get().status == "queued"
    assert Deployment.objects.get().status == "active"
    assert PeriodicTask.objects.get().enabled


def test_a_rule_that_it_shares_is_not_changed_behind_its_back(browser: Client, hidden: Any) -> None:
    crontab = CrontabSchedule.objects.get()
    page = browser.get(url_of(crontab))
    assert SECRET not in text_of(page)
    assert 'name="_save"' not in text_of(page)
    assert browser.post(url_of(crontab), {"minute": "1"}).status_code == 403


def test_a_key_bound_to_it_does_not_name_it(browser: Client, outsider: User, hidden: Any) -> None:
    key, _ = create_key(owner=outsider, deployments=[hidden[Deployment]])
    page = text_of(browser.get(url_of(key)))
    assert SECRET not in page
    assert "Others that you do not see" in page


def test_the_start_page_does_not_count_it(
    browser: Client, admin_client: Client, hidden: Any
) -> None:
    assert SECRET in text_of(admin_client.get("/admin/"))
    page = browser.get("/admin/")
    assert SECRET not in text_of(page)
    assert page.context["overview"].running == 0


def test_payloads_are_for_those_who_may_see_them(
    make_user: Callable[..., User], browser_of: Callable[[User], Client], hidden: Any
) -> None:
    """And no filter by a column that is not shown lets anybody guess them."""
    hidden[Deployment].groups.clear()
    Step.objects.update(text="confidential")
    viewer = browser_of(make_user("vera", "Viewer", is_staff=True))
    operator = browser_of(make_user("otto", "Operator", is_staff=True))
    for row, word in ((hidden[Execution], str(PAYLOAD)), (hidden[Step], "confidential")):
        assert word in text_of(operator.get(url_of(row)))
        assert word not in text_of(viewer.get(url_of(row)))
    assert "confidential" not in text_of(viewer.get(url_of(hidden[Execution])))
    for lookup in ("input_data__number", "input_data__icontains", "owner__startswith"):
        answer = viewer.get(url_of(Execution, "changelist"), {lookup: str(PAYLOAD)})
        assert answer.status_code == 400, lookup
