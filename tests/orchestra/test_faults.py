"""A short battery of faults at real processes; `make faults` has a long one, and its control."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("installations")

ROOT = Path(__file__).resolve().parents[2]
FLEET = ("--web", "2", "--workers", "2", "--beats", "2", "--pause", "0.3")
# How soon is for `make faults`, on a machine that does nothing else.
FLEET += ("--settled-within", "120")


def battery(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.faults", *FLEET, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


# It has servers of its own; the mark says that it is to run once more for PostgreSQL.
@pytest.mark.django_db
def test_nothing_is_lost_or_doubled_under_faults(request: pytest.FixtureRequest) -> None:
    database = request.config.getoption("--database")
    done = battery("--database", database, "--faults", "8", "--executions", "30")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "0 breaches of the contract" in done.stdout
