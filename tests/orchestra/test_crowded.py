"""A model that never answers fills processes with the runs of some callers: the others go on."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.calling import call, race
from tests.installations import Installation, running
from tests.model_server import Exchange, model_server, says
from tests.receivers import receiver
from tests.role_keys import role_keys
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("installations")

# Runs at once in each process; one caller has half of them.
PLACES = 8
FLOOD = 120
# Of two callers: as many as a worker has places.
FULL = [("Operator", PLACES // 2), ("Designer", PLACES // 2)]
HANGS, ANSWERED = {"name": "hangs"}, {"name": "answered"}
QUEUE = {"Prefer": "respond-async"}


@dataclass
class Crowd:
    """An installation whose model answers nobody who hangs until `go_on`."""

    installation: Installation
    keys: dict[str, str]
    go_on: threading.Event = field(default_factory=threading.Event)

    def post(self, who: str, body: Any, path: str = "/role/greet", **headers: str) -> Any:
        return call(
            self.installation, self.keys[who], "POST", f"/api/deployed{path}", body, **headers
        )[:2]

    def statuses(self, ids: list[str]) -> Counter[str]:
        key = self.keys["Operator"]
        paths = [f"/api/executions/{pk}" for pk in ids]
        found = [call(self.installation, key, "GET", path)[1] for path in paths]
        return Counter(one["status"] for one in found)

    def number(self, status: str) -> int:
        """How many runs of the first key there are."""
        path = f"/api/executions?limit=500&status={status}"
        answer = call(self.installation, self.keys["Operator"], "GET", path)[1]
        return len([one for one in answer["results"] if one["triggered_by"] == "role-operator"])

    def fill_a_worker(self) -> list[str]:
        """The ids of the runs, which hang as soon as they are taken."""
        found = []
        for who, number in FULL:
            for _ in range(number):
                status, answer = self.post(who, HANGS, **QUEUE)
                assert status == 202
                found.append(answer["log_id"])
        wait_until(lambda: self.statuses(found) == {"running": PLACES})
        return found


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """Two web processes and two workers."""
    with model_server() as model:

        def usual(exchange: Exchange) -> None:
            if "hangs" in exchange.call.prompt:
                found.go_on.wait()
            says("Hello.")(exchange)

        model.usual = usual
        with running(
            tmp_path_factory.mktemp("crowd") / "data",
            ORCHESTRA_MODEL="",
            ORCHESTRA_LLM_URL=model.url,
            ORCHESTRA_LLM_MODEL="hanging",
            ORCHESTRA_WEB_PROCESSES="2",
            ORCHESTRA_WORKERS="2",
            ORCHESTRA_INLINE_LIMIT=str(PLACES),
            ORCHESTRA_CONCURRENCY=str(PLACES),
            ORCHESTRA_EGRESS_ALLOW="127.0.0.1",
        ) as installation:
            found = Crowd(installation, role_keys(installation)["keys"])
            yield found
            found.go_on.set()


@pytest.fixture(autouse=True)
def _anew(crowd: Crowd) -> Iterator[None]:
    crowd.go_on.clear()
    yield
    crowd.go_on.set()
    wait_until(lambda: crowd.number("running") + crowd.number("queued") == 0)


def test_one_key_starves_nobody_and_loses_nothing(crowd: Crowd) -> None:
    answers: list[tuple[int, Any]] = []
    bodies = [(HANGS, {"Prefer": "wait=5"})] * FLOOD
    flood = threading.Thread(
        target=lambda: answers.extend(
            race(crowd.installation, crowd.keys["Operator"], "/api/deployed/role/greet", bodies)
        )
    )
    flood.start()
    # Half of the workers, and of the web process that came first: once there is a line, no call
    # passes it.
    wait_until(lambda: crowd.number("running") >= PLACES + PLACES // 2)
    wait_until(lambda: crowd.number("running") + crowd.number("queued") == FLOOD)
    for _ in range(5):
        assert crowd.post("Designer", ANSWERED)[0] == 200
    status, queued = crowd.post("Designer", ANSWERED, **QUEUE)
    assert status == 202
    wait_until(lambda: crowd.statuses([queued["log_id"]]) == {"completed": 1})
    # All the while the others hung, in half of each of the four processes at most.
    hanging = crowd.number("running")
    assert PLACES + PLACES // 2 <= hanging <= 2 * PLACES
    assert crowd.number("queued") == FLOOD - hanging
    flood.join()
    assert {status for status, _ in answers} == {202}
    crowd.go_on.set()
    ids = [answer["log_id"] for _, answer in answers]
    assert len(set(ids)) == FLOOD
    wait_until(lambda: crowd.number("running") + crowd.number("queued") == 0)
    assert crowd.statuses(ids) == {"completed": FLOOD}


def test_a_full_worker_leaves_work_to_another(crowd: Crowd) -> None:
    frozen = crowd.installation.member("worker-2@%h")
    frozen.send_signal(signal.SIGSTOP)
    try:
        hanging = crowd.fill_a_worker()
    finally:
        frozen.send_signal(signal.SIGCONT)
    accepted = [crowd.post("Deployer", ANSWERED, **QUEUE)[1]["log_id"] for _ in range(20)]
    wait_until(lambda: crowd.statuses(accepted) == {"completed": 20})
    assert crowd.statuses(hanging) == {"running": PLACES}


def test_what_follows_an_end_is_done_by_full_workers(crowd: Crowd) -> None:
    hanging = crowd.fill_a_worker() + crowd.fill_a_worker()
    with receiver() as hook:
        # Played at once in a web process.
        sent = {"Callback-Url": hook.url}
        status, answer = crowd.post("Deployer", {"number": 2}, "/role/double", **sent)
        assert (status, answer["result"]) == (200, 4)
        wait_until(lambda: len(hook.seen) == 1)
    assert crowd.statuses(hanging) == {"running": 2 * PLACES}
