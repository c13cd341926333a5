"""The home page answers: must somebody do something, and why do runs fail."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from deployments.models import ApiKey, Deployment, Schedule
from executor.following.presence import note
from executor.models import ModelConnection, Status
from orchestra.frame import standing
from orchestra.home import keeping
from orchestra.home.attention import MAX_ROWS
from tests.orchestra.home_rows import CAUSE, Browser, deploy, ended, home, part

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _processes() -> None:
    for kind in ("worker", "beat"):
        note(kind)


def test_failures_that_are_alike_are_one(
    viewer: User, browser_of: Browser, digest: Deployment
) -> None:
    for _ in range(3):
        latest = ended(digest, Status.FAILED, cause=CAUSE)
    ended(digest, Status.TIMED_OUT)
    page = home(browser_of(viewer))
    needs = part(page, "needs")
    assert "3 runs failed the same way" in needs
    assert f'href="/executions/{latest.pk}/"' in needs
    causes = part(page, "causes")
    assert "The provider refuses the key of openai:gpt-5-mini (sequential)" in causes
    assert "Timed out" in causes
    assert "cause=credential%20openai%3Agpt-5-mini%20sequential" in causes


def test_everything_that_needs_somebody(
    administrator: User, browser_of: Browser, digest: Deployment
) -> None:
    cache.delete("presence:worker")
    cache.delete("presence:beat")
    other = deploy("/growth/market-analysis")
    for _ in range(5):
        ended(other, degraded=True)
    Deployment.objects.filter(pk=digest.pk).update(
        status=Deployment.Status.ERROR, status_reason="5 failures in a row"
    )
    now = timezone.now()
    used = {"owner": administrator, "last_used_at": now, "expires_at": now + timedelta(days=3)}
    ApiKey.objects.create(name="crm-prod", prefix="aaaa", digest="x", **used)
    ApiKey.objects.create(name="old", prefix="bbbb", digest="x", **{**used, "last_used_at": None})
    ModelConnection.objects.create(
        name="openai-eu", provider="openai", test_passed=False, test_sentence="It said 401."
    )
    needs = part(home(browser_of(administrator)), "needs")
    for sentence in (
        "No worker is running.", "No scheduler is running.", "5 failures in a row",
        "was degraded in 5 of the last 5 runs", "The key crm-prod", "The connection openai-eu",
        "It said 401.",
    ):  # fmt: skip
        assert sentence in needs, sentence
    assert "The key old" not in needs
    assert needs.count("<li ") == 6


def test_many_keys_hide_nothing_graver(
    administrator: User, browser_of: Browser, digest: Deployment
) -> None:
    Deployment.objects.filter(pk=digest.pk).update(
        status=Deployment.Status.ERROR, status_reason="5 failures in a row"
    )
    now = timezone.now()
    ApiKey.objects.bulk_create(
        ApiKey(
            name=f"key-{days}-{number}",
            prefix=f"{days}{number:03}",
            digest=f"{days} {number}",
            owner=administrator,
            last_used_at=now,
            expires_at=now + timedelta(days=days),
        )
        for days in (5, 2)
        for number in range(MAX_ROWS - 4)
    )
    needs = part(home(browser_of(administrator)), "needs")
    assert needs.index("5 failures in a row") < needs.index("The key key-2-0")
    assert needs.count("The key key-2-") == 2 * (MAX_ROWS - 4)
    assert needs.index("The key key-2-15") < needs.index("The key key-5-")


def test_schedules_with_an_error(viewer: User, browser_of: Browser, scheduled: Schedule) -> None:
    Schedule.objects.update(error="The expression cannot be read.")
    needs = part(home(browser_of(viewer)), "needs")
    assert "The expression cannot be read." in needs
    assert f"/schedules/{scheduled.pk}/" in needs


def test_degraded_is_judged_by_the_last_thirty_runs(
    viewer: User, browser_of: Browser, digest: Deployment
) -> None:
    for _ in range(9):
        ended(digest, degraded=True)
    for _ in range(21):
        ended(digest)
    # What runs is not judged yet.
    browser = browser_of(viewer)
    assert "was degraded in 9 of the last 30 runs" in part(home(browser), "needs")
    for _ in range(3):
        ended(digest)
    # 6 of 30 are a fifth, and not more.
    assert "was degraded" not in home(browser)


def test_what_took_many_rows_is_kept_for_a_moment_by_its_edition(
    viewer: User, browser_of: Browser, digest: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MANY", 0)
    for _ in range(3):
        ended(digest, Status.FAILED, cause=CAUSE)
    browser = browser_of(viewer)
    failed = "3 runs failed the same way"
    assert failed in home(browser)
    ended(digest, Status.FAILED, cause=CAUSE)
    assert failed in home(browser)
    monkeypatch.setattr(standing, "EDITION", standing.EDITION + 1)
    assert "4 runs failed the same way" in home(browser)


def test_columns_lead_to_the_runs_of_their_time(
    viewer: User, browser_of: Browser, digest: Deployment
) -> None:
    run = ended(digest)
    browser = browser_of(viewer)
    [address] = set(re.findall(r'href="(/executions/\?since=[^"]+)"', home(browser)))
    found = browser.get(unescape(address)).content.decode()
    assert str(run.pk) in found
    earlier = re.sub(r"=(\d{4})-", lambda year: f"={int(year[1]) - 1}-", unescape(address))
    assert str(run.pk) not in browser.get(earlier).content.decode()
