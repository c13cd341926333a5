"""A running installation with two web processes, shared by the tests of the whole API."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.installations import Installation, running
from tests.model_server import ModelServer, model_server
from tests.role_keys import role_keys


@dataclass
class Server:
    """`keys` by group, `ids` of what was made, and the model that `slow:…` names reach."""

    installation: Installation
    keys: dict[str, str]
    ids: dict[str, str]
    model: ModelServer

    @property
    def address(self) -> str:
        return self.installation.address


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One installation for all: they run in one test process."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and "server" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("api-server"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("api") / "data"
    with model_server() as model:
        variables = {
            "ORCHESTRA_WEB_PROCESSES": "2",
            "ORCHESTRA_LLM_URL": model.url,
            "ORCHESTRA_LLM_MODEL": "slow",
            # For callbacks to the tests' own server; hostile ones name other addresses.
            "ORCHESTRA_EGRESS_ALLOW": "127.0.0.1",
        }
        with running(data, **variables) as installation:
            made = role_keys(installation)
            yield Server(installation, made["keys"], made["ids"], model)
