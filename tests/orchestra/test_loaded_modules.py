"""Processes load no libraries that they never use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def loaded_by(program: str, process: str) -> set[str]:
    """The modules of a fresh interpreter after the program."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys; {program}; print(json.dumps([*sys.modules]))"],
        cwd=ROOT,
        env={**os.environ, "ORCHESTRA_PROCESS": process},  # noqa: TID251
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_the_launcher_loads_neither_djangos_models_nor_celery() -> None:
    """It lives as long as the installation: what it loads, it holds."""
    loaded = loaded_by("import orchestra.launcher.up", "command")
    assert "orchestra.launcher.supervisor" in loaded
    assert not loaded & {
        "django.db", "django.apps", "orchestra.settings", "celery", "kombu", "redis", "psycopg",
        "rest_framework", "designs", "executor", "deployments",
    }  # fmt: skip


@pytest.mark.parametrize("process", ["worker", "beat"])
def test_workers_and_schedulers_load_neither_the_admin_nor_the_api(process: str) -> None:
    program = (
        "from orchestra.celery import app; app.loader.import_default_modules(); "
        "import deployments.upkeep, executor.running.sweep, deployments.schedules.beat"
    )
    loaded = loaded_by(program, process)
    assert "executor.running.sweep" in loaded
    assert not loaded & {
        "rest_framework.views", "rest_framework.serializers", "unfold.admin", "designs.admin",
        "executor.views", "deployments.views", "orchestra.urls", "requests",
    }  # fmt: skip
