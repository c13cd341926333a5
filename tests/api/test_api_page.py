"""The examples of docs/api.md run as they stand."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.api.conftest import Server
from tests.installations import ROOT
from tests.services import plain_environment

# Fails where curl alone would print an error's answer and go on.
CAREFUL = """
set -euo pipefail
curl() { command curl --fail-with-body --max-time 30 "$@"; }
"""


def test_every_example_works(server: Server, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    blocks = re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    shell = [
        block for block in blocks if re.search(r"^(curl|ORCHESTRA=|cat|[A-Z_]+=\$)", block, re.M)
    ]
    assert sum(block.count("curl ") for block in shell) > 30
    script = CAREFUL + "\n".join(shell).replace("http://localhost:8000", server.address)
    done = subprocess.run(
        ["bash", "-x", "-c", script],
        cwd=tmp_path,
        env=plain_environment({"KEY": server.keys["Administrator"]}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-1500:]}\n{done.stdout[-1500:]}"
    assert '"result":"hello!"' in done.stdout
    assert "event: done" in done.stdout
