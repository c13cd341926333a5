"""Old audit entries are deleted in one way only, which leaves an entry itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from deployments import retention
from deployments.models import Deployment, RetentionPolicy
from deployments.retention import count_over, sweep
from designs.auditing.audit import Action, AuditEntry, note, prune
from designs.models import AuditPruning, Design
from designs.rows.ids import first_id_at
from tests.admin_pages import saved, text_of, url_of
from tests.deployments.ended_runs import keep

pytestmark = pytest.mark.django_db


def entry(days_ago: float) -> AuditEntry:
    at = timezone.now() - timedelta(days=days_ago)
    like = note(Action.EXPORT, Design(name="Any"))
    made = AuditEntry(
        id=first_id_at(at), timestamp=at, action=Action.EXPORT, content_type=like.content_type,
        actor_name="ada",
    )  # fmt: skip
    made.save(force_insert=True)
    return made


def test_old_entries_go_and_the_audit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    old = [entry(days) for days in (900, 800, 731)]
    young = entry(729)
    keep(audit_days=730)
    assert count_over().audit_entries == 3
    assert sweep().audit_entries == 3
    assert not AuditEntry.objects.filter(pk__in=[one.pk for one in old]).exists()
    assert AuditEntry.objects.filter(pk=young.pk).exists()
    said = AuditEntry.objects.filter(action=Action.PRUNE).order_by("pk")
    assert [one.additional_data["count"] for one in said] == [2, 1]
    assert (said[0].actor_name, said[0].model) == ("system", "designs.auditentry")
    assert said[0].additional_data["before"] < (timezone.now() - timedelta(days=729)).isoformat()
    assert sweep().audit_entries == 0
    assert not AuditPruning.objects.exists()


@pytest.mark.parametrize("kept", [None, 0])
def test_empty_and_nought_are_for_ever(kept: int | None) -> None:
    old = entry(9_000)
    keep(audit_days=kept)
    assert sweep().audit_entries == 0
    assert AuditEntry.objects.filter(pk=old.pk).exists()


def test_the_database_lets_nothing_young_go_whoever_asks() -> None:
    young = entry(29)
    later = timezone.now() + timedelta(days=1)
    with pytest.raises(IntegrityError, match="neither changed nor deleted"), transaction.atomic():
        prune([young.pk], before=later)
    assert AuditEntry.objects.filter(pk=young.pk).exists()
    assert not AuditPruning.objects.exists()


def test_a_pass_lets_only_what_is_older_go_and_nothing_be_changed() -> None:
    old = entry(100)
    pass_for = AuditPruning.objects.create(before=timezone.now() - timedelta(days=200))
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.filter(pk=old.pk).delete()
    AuditPruning.objects.filter(pk=pass_for.pk).update(before=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        AuditEntry.objects.filter(pk=old.pk).update(actor_name="somebody else")


def test_it_is_set_for_the_whole_installation_and_not_too_short(
    administrator: User, browser_of: Callable[[User], Client], deploy: Callable[..., Deployment]
) -> None:
    browser = browser_of(administrator)
    keep(keep_last=None, audit_days=None)
    policy = RetentionPolicy.general()
    assert "everything is kept for ever" in text_of(browser.get(url_of(policy)))
    page = saved(browser, url_of(policy), audit_days="29")
    assert "30 days at least" in text_of(page)
    saved(browser, url_of(policy), audit_days="400")
    policy.refresh_from_db()
    assert policy.audit_days == 400
    assert "everything is kept for ever" not in text_of(browser.get(url_of(policy)))
    changed = AuditEntry.objects.filter(object_pk=policy.pk).latest("pk")
    assert changed.changes == {"audit_days": [None, 400]}
    own = RetentionPolicy.objects.create(deployment=deploy(), history_days=1)
    assert "audit_days" not in text_of(browser.get(url_of(own)))


def test_only_a_new_installation_gets_the_defaults(administrator: User) -> None:
    upgrade = import_module("deployments.migrations.0011_add_audit_days")
    keep(keep_last=None, audit_days=None)
    upgrade.set_defaults_of_new(apps, None)
    assert RetentionPolicy.general().keeps_all
    User.objects.all().delete()
    upgrade.set_defaults_of_new(apps, None)
    policy = RetentionPolicy.general()
    assert (policy.keep_last, policy.audit_days, policy.history_days) == (1_000, 730, None)
