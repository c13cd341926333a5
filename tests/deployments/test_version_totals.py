"""What each version did where it is deployed: added up, and shown on the pages of versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment
from deployments.services import change_deployment, deploy_design
from designs.access import SYSTEM, Caller
from designs.services import change_draft, publish_design
from designs.views.version_use import compared_use
from executor.history.totals import add_up
from executor.history.version_use import use_of_versions
from executor.models import Status, VersionTotals
from tests.deployments.ended_runs import ended
from tests.documents import doubling

pytestmark = pytest.mark.django_db
Deploy = Callable[..., Deployment]
NOW = timezone.now() - timedelta(hours=1)


@pytest.fixture
def deployment(deploy: Deploy) -> Deployment:
    """Three runs of v1, one of them failed, one degraded; one run of v2."""
    deployment = deploy(path="/one")
    ended(deployment, at=NOW, cost_usd=Decimal("0.03"))
    ended(deployment, at=NOW, degraded=True)
    ended(deployment, at=NOW, status=Status.FAILED, started_at=None)
    design = deployment.version.design
    change_draft(design=design, document={**doubling(), "description": "New"}, caller=SYSTEM)
    publish_design(design=design, caller=SYSTEM)
    change_deployment(deployment=deployment, version=2, caller=SYSTEM)
    deployment.refresh_from_db()
    ended(deployment, at=NOW, model_calls=0)
    add_up()
    return deployment


def versions_of(deployment: Deployment) -> list[object]:
    rows = deployment.version.design.versions.order_by("number")
    return list(rows.values_list("pk", flat=True))


def test_runs_count_for_the_version_that_ran(deployment: Deployment) -> None:
    first, second = versions_of(deployment)
    uses = use_of_versions([first, second], caller=SYSTEM)
    use = uses[first].total
    assert (use.runs, use.completed, use.degraded, use.cost_of_run) == (3, 2, 1, Decimal("0.01"))
    assert 1_800 < use.median_ms < 2_200
    assert uses[second].total.runs == 1
    assert [place.path for place in uses[first].places] == ["/one"]


def test_what_an_upgrade_finds_is_counted_without_durations(deployment: Deployment) -> None:
    VersionTotals.objects.all().delete()
    import_module("executor.migrations.0019_add_version_totals").count_versions(apps, None)
    first, second = versions_of(deployment)
    use = use_of_versions([first, second], caller=SYSTEM)[first].total
    assert (use.runs, use.completed, use.degraded, use.cost_of_run) == (3, 2, 1, Decimal("0.01"))
    assert use.median_ms is None


def test_others_see_only_what_is_theirs(deployment: Deployment) -> None:
    deployment.groups.add(Group.objects.create(name="Elsewhere"))
    rights = frozenset({"executor.view_execution"})
    stranger = Caller(user_id=1, name="x", permissions=rights, group_ids=frozenset())
    nobody = Caller(user_id=1, name="x", permissions=frozenset(), group_ids=frozenset())
    for caller in (stranger, nobody):
        assert use_of_versions(versions_of(deployment), caller=caller) == {}


def test_a_version_that_never_ran_has_no_total(deployment: Deployment) -> None:
    compared = compared_use({"v1": versions_of(deployment)[0], "v9": uuid4()}, SYSTEM)
    assert compared is not None
    assert compared.versions[1] == ("v9", None)


def test_the_pages_of_versions_show_it(
    deployment: Deployment, designer: User, browser_of: Callable[[User], Client]
) -> None:
    browser, pk = browser_of(designer), deployment.version.design_id
    page = browser.get(f"/designs/{pk}/versions/").content.decode()
    assert "66.7 %" in page
    assert "33.3 % degraded" in page
    assert "$0.0100" in page
    assert "no model" in page

    def compared() -> str:
        return browser.get(f"/designs/{pk}/compare/?from=1&to=2").content.decode()

    page = compared()
    assert "66.7 %" in page
    # One deployment is not told apart.
    assert 'class="place"' not in page
    with CaptureQueriesContext(connection) as before:
        compared()
    for number in range(7):
        design, path = deployment.version.design, f"/other/{number}"
        ended(deploy_design(design=design, endpoint_path=path, version=1, caller=SYSTEM), at=NOW)
    add_up()
    with CaptureQueriesContext(connection) as after:
        page = compared()
    assert len(after) == len(before)
    assert page.count('class="place"') == 5
    assert "and 3 more deployments" in page
