"""Limits hold over two web processes on a Redis of the installation's owner, too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.calling import call, race
from tests.installations import running
from tests.role_keys import role_keys
from tests.services import start_redis

pytestmark = pytest.mark.xdist_group("installations")


def test_a_limit_lets_exactly_so_many_through(tmp_path: Path) -> None:
    url = start_redis(tmp_path)
    data = tmp_path / "data"
    with running(data, REDIS_URL=url, ORCHESTRA_WEB_PROCESSES="2") as installation:
        assert not (data / "valkey.sock").exists()
        made = role_keys(installation)
        status, _, _ = call(
            installation, made["keys"]["Deployer"], "PATCH",
            f"/api/deployments/{made['ids']['spare deployment']}",
            {"requests_per_minute": 10, "requests_per_day": 1000},
        )  # fmt: skip
        assert status == 200
        bodies = [({"number": 1}, {})] * 300
        answers = race(installation, made["keys"]["Operator"], "/api/deployed/role/spare", bodies)
        assert Counter(status for status, _ in answers) == {200: 10, 429: 290}
        _, _, headers = call(
            installation,
            made["keys"]["Operator"],
            "POST",
            "/api/deployed/role/spare",
            {"number": 1},
        )
        # The day counted those that were let through, and no other.
        assert '"deployment-day";r=990;' in headers["ratelimit"]
