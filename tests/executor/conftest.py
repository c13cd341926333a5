"""Executions for tests of how they are carried and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from designs.access import SYSTEM
from designs.models import DesignVersion
from designs.services import create_design, publish_design
from executor.acceptance.runs import Order
from executor.models import Execution, Trigger
from tests.documents import doubling
from tests.executions import new_execution
from tests.executor.carried import Carriers
from tests.executor.racing import deployment, make_limited, writers  # noqa: F401 - fixtures
from tests.executor.tool_runs import tool_runs  # noqa: F401 - a fixture
from tests.faults.provider import Provider, provider


@pytest.fixture
def version_of() -> Callable[..., DesignVersion]:
    """Publishes a document."""

    def make(document: dict[str, Any] | None = None) -> DesignVersion:
        design = create_design(document=document or doubling(), caller=SYSTEM)
        return publish_design(design=design, caller=SYSTEM)

    return make


@pytest.fixture
def queue(version_of: Callable[..., DesignVersion]) -> Callable[..., Execution]:
    """Writes a queued execution without sending it: `queue(input_data={...}, limits={...})`."""

    def make(
        version: DesignVersion | None = None, limits: dict[str, Any] | None = None, **fields: Any
    ) -> Execution:
        order = Order(
            version=version or version_of(),
            input_data=fields.pop("input_data", {"number": 2}),
            trigger=Trigger.MANUAL,
            caller=SYSTEM,
            limits=limits or {},
        )
        execution = new_execution(order, **fields)
        execution.save(force_insert=True)
        return Execution.objects.get(pk=execution.pk)

    return make


@pytest.fixture(scope="module")
def model() -> Iterator[Provider]:
    """A model server that counts its calls."""
    with provider(seconds=0.02) as found:
        yield found


@pytest.fixture(scope="module")
def kept() -> dict[str, Carriers]:
    return {}


@pytest.fixture
def carriers(
    transactional_db: None, kept: dict[str, Carriers], model: Provider, tmp_path_factory: Any
) -> Carriers:
    """Processes on the test's database, which there is only once a test asks for it."""
    if not kept:
        kept["one"] = Carriers(
            database_url=url_of_database(),
            data=str(tmp_path_factory.mktemp("carried")),
            REDIS_URL=settings.REDIS_URL,
            ORCHESTRA_LLM_URL=model.url,
            ORCHESTRA_LLM_MODEL="counted",
            ORCHESTRA_LEASE_SECONDS="30",
        )
        # Loading takes no run's time: from now on it answers at once that there is nothing to do.
        assert kept["one"].carry() == 3
    return kept["one"]


@pytest.fixture(scope="module", autouse=True)
def _close(kept: dict[str, Carriers]) -> Iterator[None]:
    yield
    for one in kept.values():
        one.close()


def url_of_database() -> str:
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{Path(found['NAME']).resolve()}"
    return f"postgresql://{found['USER']}@/{found['HOST']}/{found['NAME']}"
