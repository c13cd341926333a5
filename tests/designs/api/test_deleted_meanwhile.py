"""Rows that are gone in the middle of a call are no fault of ours: 404 or 409."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.test import Client

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from tests.documents import doubling

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_of_two_deletes_at_once_one_finds_nothing(
    administrator: User, browser_of: Callable[[User], Client]
) -> None:
    browsers = [browser_of(administrator) for _ in range(2)]
    for _ in range(5):
        design = create_design(document=doubling(), caller=SYSTEM)

        def delete(browser: Client, url: str = f"/api/designs/{design.pk}") -> int:
            try:
                return browser.delete(url).status_code
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(delete, browsers)) == [204, 404]


@pytest.mark.parametrize(
    ("error", "status"), [(Design.DoesNotExist(), 404), (IntegrityError("gone"), 409)]
)
def test_what_nobody_foresaw_to_be_gone_is_no_fault_either(
    administrator: User,
    browser_of: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
) -> None:
    design = create_design(document=doubling(), caller=SYSTEM)

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr("designs.api.views.drafts.delete_design", fail)
    answer = browser_of(administrator).delete(f"/api/designs/{design.pk}")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
