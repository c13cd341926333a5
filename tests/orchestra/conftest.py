"""A scheduled deployment, and an installation with several processes of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.models import Deployment, Schedule
from deployments.schedules.scheduling import add_schedule
from tests import servers
from tests.installations import Installation, running
from tests.orchestra.home_rows import deploy
from tests.slow_model import SlowModel, slow_model

ANSWER_SECONDS = 0.4


@pytest.fixture
def digest() -> Deployment:
    return deploy("/ops/weekly-digest")


@pytest.fixture
def scheduled(digest: Deployment) -> Schedule:
    fields = {"cron_expression": "0 8 * * 1", "timezone": "UTC", "input_data": {"number": 1}}
    return add_schedule(deployment=digest, fields=fields)


@pytest.fixture(scope="session")
def slow() -> Iterator[SlowModel]:
    with slow_model(ANSWER_SECONDS) as found:
        yield found


@pytest.fixture(scope="session")
def busy(slow: SlowModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Two web processes, two workers, a lease of two seconds, a Redis of its owner, and a model
    that takes its time.
    """
    folder = tmp_path_factory.mktemp("busy")
    broker = servers.valkey(folder).start()
    with running(
        folder / "data",
        REDIS_URL=broker.url,
        ORCHESTRA_MODEL="",
        ORCHESTRA_LLM_URL=slow.url,
        ORCHESTRA_LLM_MODEL="slow",
        ORCHESTRA_WEB_PROCESSES="2",
        ORCHESTRA_WORKERS="2",
        ORCHESTRA_LEASE_SECONDS="2",
    ) as found:
        # The first call of a process loads the model's client, which is nothing to measure.
        path, _, example = found.sample
        found.call(path, example)
        yield found
    broker.stop()
