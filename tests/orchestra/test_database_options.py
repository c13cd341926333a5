"""The options of the database's address hold in every process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import plain_environment

ROOT = Path(__file__).resolve().parents[2]
SAY = "import json; from orchestra.settings import DATABASES as d; " + (
    "print(json.dumps(d['default']['OPTIONS']))"
)


@pytest.mark.parametrize("process", ["web", "worker"])
def test_tls_is_asked_for(process: str, tmp_path: Path) -> None:
    url = "postgres://ada@localhost/x?sslmode=verify-full&sslrootcert=/x"
    variables = {
        "ORCHESTRA_DATA": str(tmp_path),
        "ORCHESTRA_PROCESS": process,
        "DATABASE_URL": url,
    }
    done = subprocess.run(
        [sys.executable, "-c", SAY],
        cwd=ROOT,
        env=plain_environment(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    options = json.loads(done.stdout)
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/x")
    assert ("pool" in options) is (process == "web")
