"""Limits hold over two web processes on a Redis of the installation's owner, too."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.calling import call, race
from tests.installations import Installation
from tests.role_keys import role_keys

pytestmark = pytest.mark.xdist_group("installations")


def test_a_limit_lets_exactly_so_many_through(busy: Installation) -> None:
    assert not (busy.data / "valkey.sock").exists()
    made = role_keys(busy)
    status, _, _ = call(
        busy, made["keys"]["Deployer"], "PATCH",
        f"/api/deployments/{made['ids']['spare deployment']}",
        {"requests_per_minute": 10, "requests_per_day": 1000},
    )  # fmt: skip
    assert status == 200
    key, path = made["keys"]["Operator"], "/api/deployed/role/spare"
    answers = race(busy, key, path, [({"number": 1}, {})] * 300)
    assert Counter(status for status, _ in answers) == {200: 10, 429: 290}
    _, _, headers = call(busy, key, "POST", path, {"number": 1})
    # The day counted those that were let through, and no other.
    assert '"deployment-day";r=990;' in headers["ratelimit"]
