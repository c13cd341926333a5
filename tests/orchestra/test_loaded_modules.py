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


RUN = """
import asyncio, django
django.setup()
from executor.engine.runner import compile_graph, run_graph
from executor.models import Execution
from executor.running.attempt import run_setup
from executor.running.instant import RunCollector
from tests.graphs import asking, design
from designs.patterns.catalogue import check_document
import deployments.api.endpoint
run = Execution(input_data={}, models_default=["offline:stand-in"])
collector = RunCollector(run)
graph = compile_graph(check_document(design([asking("a")])).graph)
async def main():
    return await run_graph(graph, {}, run_setup(run, collector, collector.emit))
assert asyncio.run(main()).status == "completed"
"""


def test_a_run_without_tools_loads_no_client_of_tools() -> None:
    loaded = loaded_by(f"exec({RUN!r})", "web")
    assert "executor.running.attempt" in loaded
    assert not loaded & {"mcp", "mcp_types"}
