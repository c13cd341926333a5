"""A key's number of executions at once: set where its other limits are, kept for every call."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from deployments.access.keys import create_key, find_caller

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_made_and_shown(operator: User, api_of: Callable[[User], APIClient]) -> None:
    client = api_of(operator)
    asked = {"scopes": ["execute"], "max_concurrent": 3}
    made = client.post("/api/keys", asked, format="json")
    assert (made.status_code, made.json()["max_concurrent"]) == (201, 3)
    assert client.get(f"/api/keys/{made.json()['id']}").json()["max_concurrent"] == 3
    assert find_caller(made.json()["key"]).max_concurrent == 3
    refused = client.post("/api/keys", {**asked, "max_concurrent": 0}, format="json")
    assert refused.status_code in (400, 422)


def test_a_key_made_by_a_key_stays_within_it(
    deployer: User, api_with: Callable[[str], APIClient]
) -> None:
    _, text = create_key(owner=deployer, max_concurrent=3)
    client = api_with(text)
    for asked in (None, 4):
        body = {"scopes": ["read"], "max_concurrent": asked}
        assert client.post("/api/keys", body, format="json").status_code == 403
    made = client.post("/api/keys", {"scopes": ["read"], "max_concurrent": 2}, format="json")
    assert made.status_code == 201
    child = find_caller(made.json()["key"])
    # Counted together, so that many keys are no way around it.
    assert (child.turn_key, child.max_concurrent) == (find_caller(text).turn_key, 2)
