"""More calls at once than a web process may have: refused at once, and the others are answered."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.api.pressure import place_for_call
from deployments.errors import Overloaded
from executor.models import Execution
from tests.documents import doubling

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _one_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = dataclasses.replace(settings.ENVIRONMENT, most_calls=1)
    monkeypatch.setattr(settings, "ENVIRONMENT", narrow)


def test_a_call_too_many_is_told_when_to_come_again(
    deploy: Callable[..., Any],
    operator: User,
    key_of: Callable[..., str],
    api_with: Callable[[str], APIClient],
) -> None:
    deploy(doubling(), "/double")
    client = api_with(key_of(operator))
    with place_for_call():
        answer = client.post("/api/deployed/double", {"number": 2}, format="json")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/overloaded"
    assert int(answer["Retry-After"]) > 0
    assert not Execution.objects.exists()
    assert client.post("/api/deployed/double", {"number": 2}, format="json").status_code == 200


def test_places_come_back_also_after_an_error() -> None:
    for _ in range(2):
        with pytest.raises(LookupError), place_for_call():
            raise LookupError
    with place_for_call(), pytest.raises(Overloaded), place_for_call():
        pass
