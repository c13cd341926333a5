"""What the audit leaves out: clocks and counters, and every secret."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from deployments.access.keys import create_key, find_caller
from deployments.models import ApiKey
from deployments.retention import sweep
from deployments.schedules.pump import wake_schedules
from designs.access import SYSTEM
from designs.auditing.audit import AuditEntry
from designs.services import change_draft
from tests.documents import doubling
from tests.orchestra.admin_rows import MAKERS, deployment, design, user
from tests.orchestra.audit.entries import entries, last

pytestmark = pytest.mark.django_db


def test_what_clocks_and_counters_say_is_no_change() -> None:
    row = deployment()
    key, text = create_key(owner=user(), deployments=[row])
    total = AuditEntry.objects.count()
    find_caller(text, "192.0.2.7")
    key.refresh_from_db()
    assert key.last_used_address == "192.0.2.7"
    sweep()
    schedule = row.schedules.get()
    schedule.next_due_at = timezone.now()
    schedule.save()
    wake_schedules()
    task = PeriodicTask.objects.get(pk=schedule.beat_task_id)
    task.last_run_at, task.total_run_count = timezone.now(), 5
    task.save()
    person = User.objects.get(pk=key.owner_id)
    person.last_login = timezone.now()
    person.save()
    assert AuditEntry.objects.count() == total


def test_secrets_are_changed_and_never_shown() -> None:
    ada = user()
    ada.set_password("correct horse battery staple")
    ada.save()
    assert last(ada).changes == {"password": ["(secret)", "(secret)"]}
    connection = MAKERS["executor.ModelConnection"]()
    connection.api_key = "sk-canary-7f3a-0123456789abcdef"
    connection.save()
    assert last(connection).changes == {"api_key": ["(secret)", "(secret)"]}
    count = len(entries(connection))
    connection.refresh_from_db()
    connection.save()
    assert len(entries(connection)) == count
    connection.api_key = ""
    connection.save()
    assert last(connection).changes == {"api_key": ["(secret)", ""]}
    key, text = create_key(owner=ada)
    made = entries(key)[0]
    assert made.changes["digest"] == ["", "(secret)"]
    written = "".join(str(row) for row in AuditEntry.objects.values_list("changes", "object_repr"))
    stored = ApiKey.objects.get(pk=key.pk)
    for secret in (text, stored.digest, ada.password, "canary"):
        assert secret not in written


def test_a_secret_that_was_pasted_elsewhere_is_masked() -> None:
    document = doubling()
    document["description"] = "Ask with orc_1f0c9a3b_aB3_xYz9aB3_xYz9aB3_xYz9aB3"
    row = design()
    change_draft(design=row, caller=SYSTEM, document=document)
    assert "aB3_xYz9" not in str(last(row).changes)
