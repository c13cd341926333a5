"""A typed client can be made from the document, and it talks with a real server."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestra.api.document import METHODS, api_document
from tests.api.conftest import Server
from tests.installations import ROOT
from tests.services import plain_environment


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The generated package, importable as `orchestra_client`."""
    folder: Path = tmp_path_factory.mktemp("client")
    document = folder / "openapi.json"
    document.write_text(json.dumps(api_document()))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", str(document), "--output-path", str(folder / "orchestra_client")),
            "--fail-on-warning",
        ],
        cwd=ROOT,
        env=plain_environment({"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module("orchestra_client")
    sys.path.remove(str(folder))


def test_every_operation_has_a_function(client: Any) -> None:
    root = Path(client.__file__).parent / "api"
    made = {path.stem for path in root.rglob("*.py")}
    wanted = {
        item[method]["operationId"]
        for item in api_document()["paths"].values()
        for method in METHODS
        if method in item
    }
    assert wanted <= made
    assert len(wanted) > 40


def test_it_deploys_nothing_but_reads_and_makes_keys(client: Any, server: Server) -> None:
    def function(tag: str, name: str) -> Any:
        return importlib.import_module(f"orchestra_client.api.{tag}.{name}")

    models = importlib.import_module("orchestra_client.models")
    with client.AuthenticatedClient(
        base_url=server.address, token=server.keys["Administrator"]
    ) as api:
        page = function("deployments", "deployments_list").sync(client=api, limit=500)
        [greet] = [row for row in page.results if row.endpoint_path == "/role/greet"]
        assert greet.status is models.DeploymentStatus.ACTIVE
        body = models.KeyIn(scopes=[models.ScopesEnum.READ], name="From the client")
        made = function("keys", "keys_create").sync(client=api, body=body)
        assert made.key.startswith("orc_")
        refused = function("deployments", "deployments_read").sync_detailed(
            "01920000-0000-7000-8000-000000000000", client=api
        )
        assert refused.status_code == 404
        assert refused.parsed.title == "Not found"
