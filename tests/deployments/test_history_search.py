"""The history is found by who or what started a run, whoever that was, by an index."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployments.access.keys import create_key
from deployments.models import Deployment
from designs.access import SYSTEM, Caller, caller_of
from executor.models import Execution, starters
from executor.models.starters import search_starters
from tests.admin_pages import text_of
from tests.deployments.ended_runs import ended

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]


def found(text: str, caller: Caller = SYSTEM) -> list[Execution]:
    return list(Execution.objects.about(text, caller).order_by("pk"))


def test_by_people_who_are_gone_and_by_schedules(deploy: Deploy) -> None:
    deployment = deploy()
    gone = ended(deployment, triggered_by="Ada.Lovelace")
    planned = ended(deployment, triggered_by="schedule nightly report 7f2")
    system = ended(deployment, triggered_by="system")
    assert found("ada") == found("LOVELACE") == [gone]
    assert found("nightly") == found("schedule") == [planned]
    assert found("system") == [system]
    assert found("nobody") == []


def test_by_keys_that_one_may_see(
    deploy: Deploy, operator: User, make_user: Callable[..., User]
) -> None:
    deployment, other = deploy(), make_user("olga", "Operator")
    key = create_key(owner=operator, name="Billing robot")[0]
    run = ended(deployment, key_id=key.pk, triggered_by="operator")
    mine, another = caller_of(operator), caller_of(other)
    for text in ("robot", key.prefix, str(key), f"orc_{key.prefix}"):
        assert found(text, mine) == [run], text
        assert found(text, another) == [], text
    # As few letters as stand in many prefixes by chance mean no key.
    assert found(key.prefix[:3], mine) == []


def test_the_page_and_the_admin_find_them(
    deploy: Deploy, administrator: User, browser_of: Callable[[User], Client]
) -> None:
    run = ended(deploy(), triggered_by="schedule of the evening")
    ended(deploy(path="/other"))
    browser = browser_of(administrator)
    for url in ("/executions/?text=evening", "/admin/executor/execution/?q=evening"):
        page = text_of(browser.get(url))
        assert run.short_id in page
        assert "/other" not in page.partition("<table")[2]


def test_many_names_are_bounded_and_a_whole_one_is_found_all_the_same(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starters, "MAX_NAMES", 3)
    deployment = deploy()
    runs = [ended(deployment, triggered_by=f"name {number}") for number in range(6)]
    assert found("name 5") == [runs[5]]
    assert search_starters("name") == ["name", "name 0", "name 1", "name 2"]


def test_names_are_read_from_their_index_alone(deploy: Deploy) -> None:
    deployment = deploy()
    for name in ("ada", "ada", "bea", ""):
        ended(deployment, triggered_by=name)
    with CaptureQueriesContext(connection) as queries:
        assert search_starters("a") == ["ada", "bea"]
    sql = queries[0]["sql"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table of four rows is read as it lies, unless that is dear.
            for way in ("seqscan", "bitmapscan", "sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
            cursor.execute(f"EXPLAIN (ANALYZE) {sql}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        plan = "\n".join(str(line) for line in cursor.fetchall())
    assert "execution_by_starter" in plan
    assert "Seq Scan on executor_execution" not in plan
    assert "SCAN executor_execution'" not in plan
