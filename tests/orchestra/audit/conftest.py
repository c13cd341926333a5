"""What tests of the audit work on, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.access import SYSTEM, caller_of
from designs.acting import acting
from designs.auditing.audit import Action, AuditEntry
from designs.services import change_draft, create_design
from tests.deployments.conftest import _forget as _forget
from tests.deployments.conftest import deploy as deploy
from tests.deployments.conftest import key_of as key_of
from tests.documents import doubling


@pytest.fixture
def written(db: None) -> Callable[..., list[AuditEntry]]:
    """Entries written since the fixture was made, oldest first: `written(actor_name="ada")`."""
    before = set(AuditEntry.objects.values_list("pk", flat=True))

    def find(**chosen: Any) -> list[AuditEntry]:
        return list(AuditEntry.objects.filter(**chosen).exclude(pk__in=before).order_by("pk"))

    return find


@pytest.fixture
def browser(administrator: User, browser_of: Callable[[User], Client]) -> Client:
    """An administrator's."""
    return browser_of(administrator)


@pytest.fixture
def renamed(designer: User) -> AuditEntry:
    """A person's change of a design's name to something that is markup."""
    row = create_design(document=doubling(), caller=SYSTEM)
    with acting(caller_of(designer), "192.0.2.20"):
        change_draft(design=row, caller=SYSTEM, document=doubling(), name="<b>Bold</b>")
    return AuditEntry.objects.filter(object_pk=row.pk).filter(action=Action.UPDATE).get()
