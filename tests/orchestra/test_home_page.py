"""The home page answers: must I do something, what runs, what comes next, what did it cost."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployments.models import Deployment, Schedule
from designs.access import caller_of
from designs.services import create_design
from executor.following.presence import note
from executor.history.totals import add_up
from executor.models import Status
from executor.models.causes import cause_of
from orchestra.home.present import MAX_REMEMBERED, _labels, _labels_of
from tests.documents import doubling
from tests.orchestra.home_rows import CAUSE, Browser, deploy, ended, home, part, run_of

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _processes() -> None:
    for kind in ("worker", "beat"):
        note(kind)


@pytest.mark.parametrize("window", ["24h", "7d", "30d", "what"])
@pytest.mark.parametrize("is_counted", [False, True], ids=["fresh", "added up"])
def test_figures_are_of_what_ended(
    viewer: User, browser_of: Browser, digest: Deployment, window: str, is_counted: bool
) -> None:
    for _ in range(3):
        ended(digest, cost_usd=Decimal("0.5"))
    ended(digest, degraded=True)
    ended(digest, Status.FAILED, cause=CAUSE)
    if is_counted:
        add_up()
    page = home(browser_of(viewer), window)
    assert '<span class="big" id="figure-runs">5</span>' in page
    assert "80 % succeeded" in page
    assert "3 completed, 1 degraded, 1 failed" in page
    assert "$1.50" in page
    assert 'rect class="warn"' in page
    assert f'href="/deployments/{digest.pk}/"' in part(page, "figures")


def test_nothing_of_what_is_hidden(viewer: User, browser_of: Browser, digest: Deployment) -> None:
    ended(digest, Status.FAILED, cause=CAUSE, cost_usd=Decimal(7))
    add_up()
    ended(digest, Status.FAILED, cause=CAUSE)
    run_of(digest)
    Deployment.objects.update(status=Deployment.Status.ERROR)
    digest.groups.add(Group.objects.create(name="Others"))
    page = home(browser_of(viewer))
    for secret in ("weekly-digest", str(digest.pk), "$7", "refuses the key", "figure-runs"):
        assert secret not in page, secret
    assert "Nothing needs you" in page
    assert "Nothing is running" in page


def test_what_comes_next(viewer: User, browser_of: Browser, scheduled: Schedule) -> None:
    page = home(browser_of(viewer))
    assert f'id="next-{scheduled.pk}"' in page
    assert "data-countdown" in part(page, "next")
    assert "1 on" in part(page, "figures")


def test_what_runs_and_what_waits(viewer: User, browser_of: Browser, digest: Deployment) -> None:
    running = run_of(digest, status=Status.RUNNING, started_at=timezone.now())
    running.blocks.create(block_id=doubling()["blocks"][0]["id"], status="running")
    run_of(digest)
    page = home(browser_of(viewer))
    shown = part(page, "running")
    assert f'id="run-{running.pk}"' in shown
    assert re.search(r"0 of [1-9] blocks done", shown), shown
    assert "queued" in shown
    assert "1 waiting" in part(page, "figures")


def test_the_designs_that_a_person_edited(designer: User, browser_of: Browser) -> None:
    mine = create_design(document=doubling(), caller=caller_of(designer))
    deploy("/ops/other")
    recent = part(home(browser_of(designer)), "recent")
    assert recent.count("<li ") == 1
    assert f"/designs/{mine.pk}/" in recent


def test_first_steps_tick_themselves_off(designer: User, browser_of: Browser) -> None:
    browser = browser_of(designer)
    steps = part(home(browser), "first-steps")
    assert steps.count("Done") == 0
    assert "figure-runs" not in home(browser)
    ended(deploy("/ops/weekly-digest"))
    steps = part(home(browser), "first-steps")
    assert steps.count("Done") == 2
    assert "figure-runs" in home(browser)


def test_names_are_text(viewer: User, browser_of: Browser) -> None:
    evil = deploy("/ops/evil", name=f"Digest {EVIL}")
    ended(evil, Status.FAILED, cause=cause_of("credential", EVIL, EVIL))
    run_of(evil, status=Status.RUNNING, started_at=timezone.now()).blocks.create(
        block_id=EVIL, status="running"
    )
    Deployment.objects.update(status=Deployment.Status.ERROR, status_reason=EVIL)
    page = home(browser_of(viewer))
    assert EVIL not in page
    assert "&lt;script&gt;" in page


def test_it_costs_the_same_however_much_there_is(
    administrator: User, browser_of: Browser, digest: Deployment
) -> None:
    browser = browser_of(administrator)

    def queries() -> int:
        _labels.clear()
        with CaptureQueriesContext(connection) as found:
            home(browser)
        return len(found)

    def add(runs: int) -> None:
        for _ in range(runs):
            ended(digest, Status.FAILED, cause=CAUSE)
            run_of(digest, status=Status.RUNNING, started_at=timezone.now())
        add_up()

    add(3)
    # Labels of versions are remembered, and first steps are asked for while little has run.
    assert queries() <= 16
    add(60)
    assert queries() <= 15
    with CaptureQueriesContext(connection) as found:
        home(browser)
    assert len(found) <= 14


def test_a_version_that_is_forgotten_for_another_has_its_labels(digest: Deployment) -> None:
    versions = {digest.version.pk, deploy("/ops/other").version.pk}
    _labels.clear()
    whole = _labels_of(versions)
    _labels.clear()
    _labels_of({digest.version.pk})
    _labels.update({uuid4(): {} for _ in range(MAX_REMEMBERED - 1)})
    assert _labels_of(versions) == whole
    assert len(_labels) == MAX_REMEMBERED


def test_lists_show_what_was_counted(viewer: User, browser_of: Browser, digest: Deployment) -> None:
    run_of(digest)
    ended(digest, Status.TIMED_OUT)
    browser = browser_of(viewer)
    page = home(browser)
    for name in ("running", "causes"):
        link = part(page, name).split('href="')[1].split('"')[0]
        rows = browser.get(html.unescape(link)).content.decode()
        assert len(set(re.findall(r'href="/executions/([0-9a-f-]{36})/', rows))) == 1, name


def test_who_sees_no_runs_sees_no_figures(
    make_user: Callable[..., User], browser_of: Browser, digest: Deployment
) -> None:
    ended(digest, cost_usd=Decimal(7))
    reader = make_user("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_deployment"))
    page = home(browser_of(reader))
    assert "figure-runs" not in page
    assert "Running now" not in page
