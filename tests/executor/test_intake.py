"""A worker keeps itself filled, within the limits, and leaves shares to other callers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from deployments.services import deploy_design
from designs.access import SYSTEM
from designs.models import DesignVersion
from executor.engine.llm import offline
from executor.models import Execution, Status
from executor.running import worker as worker_module
from executor.running.carrier import Carrier
from executor.running.claims import ClaimNext
from executor.running.worker import Intake, process_loop
from tests.executor.gate import Gate
from tests.graphs import asking, design
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
Make = Callable[..., Intake]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found = Gate()
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        await found.passed()
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    yield found
    found.let(1000)


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    for module in ("executor.running.worker", "executor.running.carrier"):
        monkeypatch.setattr(f"{module}.notify_workers", lambda: found.append("notified"))
    return found


@pytest.fixture
def make_intake(rings: list[str], gate: Gate) -> Iterator[Make]:
    made = []

    def make(slots: int, share: float = 1.0) -> Intake:
        carrier = Carrier(slots=slots)
        carrier.slots.share = max(1, round(slots * share))
        made.append(carrier)
        return Intake(carrier)

    yield make
    gate.let(1000)
    for carrier in made:
        carrier.drain(60)


@pytest.fixture
def greet(queue: Queue, version_of: Callable[..., DesignVersion]) -> Queue:
    """Queues a run whose one model call stands at the gate."""
    version = version_of(design([asking("a")]))
    return lambda **fields: queue(version, input_data={}, **fields)


def running() -> int:
    return Execution.objects.filter(status=Status.RUNNING).count()


def test_one_look_takes_all_that_fit_and_each_end_takes_the_next(
    greet: Queue, gate: Gate, make_intake: Make
) -> None:
    for _ in range(5):
        greet()
    intake = make_intake(2)
    intake.look()
    wait_until(lambda: gate.waiting == 2)
    assert (running(), intake.is_full) == (2, True)
    for left in (2, 1, 0):
        gate.let(1)
        wait_until(lambda: Execution.objects.queued().count() == left)  # noqa: B023
        wait_until(lambda: gate.waiting == 2)
    gate.let(2)
    wait_until(lambda: not Execution.objects.live().exists())
    assert set(Execution.objects.values_list("status", "attempt")) == {(Status.COMPLETED, 1)}


@pytest.mark.parametrize("of", ["caller", "deployment"])
def test_a_limit_is_used_to_the_full_when_runs_end_together(
    greet: Queue, gate: Gate, make_intake: Make, version_of: Callable[..., Any], of: str
) -> None:
    """With a limit of 10 and 40 in line, ten that end at once leave ten running."""
    limited: dict[str, Any] = {"caller_max_concurrent": 10}
    if of == "deployment":
        made = deploy_design(design=version_of().design, endpoint_path="/one", caller=SYSTEM)
        limited = {"deployment_id": made.pk, "max_concurrent": 10}
    for _ in range(40):
        greet(caller_key="key:one", **limited)
    workers = [make_intake(64), make_intake(64)]
    for intake in workers:
        intake.look()
    for left in (30, 20, 10, 0):
        wait_until(lambda: gate.waiting == 10)
        assert (running(), Execution.objects.queued().count()) == (10, left)
        if left:
            gate.let(10)
            wait_until(lambda: Execution.objects.queued().count() == left - 10)  # noqa: B023
    gate.let(10)
    wait_until(lambda: not Execution.objects.live().exists())
    assert set(Execution.objects.values_list("attempt", flat=True)) == {1}


def test_one_caller_leaves_room_in_a_worker_for_another(
    greet: Queue, gate: Gate, make_intake: Make, rings: list[str]
) -> None:
    for _ in range(30):
        greet(caller_key="key:flood")
    intake = make_intake(8, share=0.5)
    intake.look()
    wait_until(lambda: gate.waiting == 4)
    # Another worker could take more of it.
    assert rings
    other = greet(caller_key="key:other")
    intake.look()
    wait_until(lambda: gate.waiting == 5)
    other.refresh_from_db()
    assert other.status == Status.RUNNING
    assert intake.carrier.slots.held() == {"key:flood": 4, "key:other": 1}


def test_the_end_of_a_limited_run_elsewhere_rings(
    greet: Queue, gate: Gate, make_intake: Make, rings: list[str]
) -> None:
    """A web process takes nothing from the queue, so it says that there is room."""
    carrier = Carrier(slots=1)
    greet(caller_key="key:one", caller_max_concurrent=1)
    take = ClaimNext(Intake(carrier)._claimant, worker_module.Room(1, {}, 1))
    carrier.on_end.clear()
    execution = carrier.writer.submit(take).result().executions[0]
    assert carrier.take_slot(caller_key="key:one")
    process_loop().call_soon_threadsafe(carrier.start, execution)
    wait_until(lambda: gate.waiting == 1)
    assert not rings
    gate.let(1)
    wait_until(lambda: bool(rings))


def test_what_is_being_claimed_when_the_process_is_to_end_is_carried_or_given_back(
    greet: Queue, gate: Gate, make_intake: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    original = ClaimNext.apply.__func__  # type: ignore[attr-defined]

    def apply(cls: Any, writes: Any) -> Any:
        begun.set()
        go_on.wait(60)
        return original(cls, writes)

    monkeypatch.setattr(ClaimNext, "apply", classmethod(apply))
    greet()
    intake = make_intake(1)
    intake.look()
    assert begun.wait(60)
    draining = threading.Thread(target=intake.carrier.drain, args=(0.0,))
    draining.start()
    go_on.set()
    draining.join(60)
    wait_until(lambda: Execution.objects.queued().count() == 1)
    assert set(Execution.objects.values_list("owner", "losses")) == {("", 0)}


def test_a_look_that_fails_leaves_all_slots_for_the_next(
    greet: Queue, gate: Gate, make_intake: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failed = ClaimNext.apply.__func__, []  # type: ignore[attr-defined]

    def apply(cls: Any, writes: Any) -> Any:
        if not failed:
            failed.append(1)
            raise ValueError("a look that fails")
        return original(cls, writes)

    monkeypatch.setattr(ClaimNext, "apply", classmethod(apply))
    for _ in range(2):
        greet()
    intake = make_intake(2)
    intake.look()
    wait_until(lambda: bool(failed) and not intake._looks)
    intake.look()
    wait_until(lambda: gate.waiting == 2)
