"""A short battery of faults against real processes, and its control; `make faults` has the long one.

It runs on servers of its own. The mark for the database only says that it is to run on both.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.xdist_group("installations"), pytest.mark.django_db]

ROOT = Path(__file__).resolve().parents[2]
FLEET = ("--web", "2", "--workers", "2", "--beats", "2", "--pause", "0.3")


def battery(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *FLEET, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    return request.config.getoption("--database")


def test_nothing_is_lost_or_doubled_under_faults(database: str) -> None:
    done = battery("--database", database, "--faults", "8", "--executions", "30")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "0 breaches of the contract" in done.stdout


def test_without_fencing_breaches_are_found(database: str) -> None:
    if database == "postgres":
        pytest.xfail("the control is about the battery, not about the database: once is enough")
    done = battery(
        *("--database", database, "--faults", "4", "--executions", "30"),
        *("--break-fencing", "--only", "freeze worker"),
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "were made again by" in done.stdout
