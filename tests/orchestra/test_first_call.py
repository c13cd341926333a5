"""The first call of a model in a process finds all modules loaded: nobody waits for an import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from tests.model_server import model_server
from tests.services import plain_environment

ROOT = Path(__file__).resolve().parents[2]


def test_the_first_call_imports_nothing(tmp_path: Path) -> None:
    with model_server() as server:
        variables = {
            "ORCHESTRA_DATA": str(tmp_path),
            "ORCHESTRA_PROCESS": "web",
            "ORCHESTRA_LOCAL_MODEL": "0",
            "ORCHESTRA_LLM_URL": server.url,
            "ORCHESTRA_LLM_MODEL": "small",
            "REDIS_URL": settings.ENVIRONMENT.redis_url,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.orchestra.first_call", "openai_compatible:small"],
            env=plain_environment(variables),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    assert len(server.calls) == 1
    assert json.loads(done.stdout.splitlines()[-1]) == []
