"""What failed before a run waited stays so when it goes on: nothing is asked or sent again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from designs.access import SYSTEM
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.models import Execution, Status
from executor.running import attempt
from executor.services import resume_execution
from tests.deciding import cast, join
from tests.executor.waiting_designs import approval, asking_design, perform
from tests.graphs import Json, asking, design, link
from tests.scripted_door import BROKEN, Door, reply

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]
HOUR = timedelta(hours=1)


class Model:
    """The stand-in, which is down at its first call for some steps."""

    def __init__(self, *down: str) -> None:
        self.down = down
        self.asked: list[str] = []

    def play(self, patch: pytest.MonkeyPatch) -> Model:
        original = offline.StandIn.complete

        async def complete(stand_in: Any, request: Any, on_delta: Any = None) -> Any:
            key = request.call_key.partition(":")[2]
            is_first = key not in self.asked
            self.asked.append(key)
            if is_first and key.startswith(self.down):
                request.on_sent()
                raise ModelError(ErrorKind.REQUEST, "it is down.")
            return await original(stand_in, request, on_delta)

        patch.setattr(offline.StandIn, "complete", complete)
        return self


@pytest.fixture
def ana(make_user: Callable[..., User]) -> User:
    user = make_user("ana", "Operator")
    join("finance", user)
    return user


@pytest.fixture
def decided(queue: Queue, version_of: Any, ana: User) -> Callable[[Json], Execution]:
    """Runs the block beside an approval, which is given then; the run as it ended."""

    def run(block: Json) -> Execution:
        blocks = [block, approval(), asking("after")]
        waiting = perform(queue(version_of(design(blocks, [link("release", "after")]))))
        assert waiting.status == Status.WAITING
        cast(waiting.requests.get(block_id="release"), ana)
        return perform(waiting)

    return run


def test_a_block_that_was_gone_on_without(
    decided: Any, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model("first/").play(monkeypatch)
    done = decided(asking("first", on_error="continue"))
    assert model.asked == ["first/writer/1/answer", "after/writer/1/answer"]
    assert (done.status, done.degraded, done.model_calls) == (Status.COMPLETED, True, 2)
    first = done.blocks.get(block_id="first")
    assert (first.status, first.error["class"]) == ("failed", "request")
    assert first.error["message"].count("it is down.") == 1
    again = resume_execution(execution=done, caller=SYSTEM, only="failed")
    assert perform(again).degraded is False


def test_a_member_that_was_lost(decided: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model("all/ben/").play(monkeypatch)
    done = decided(asking("all", "ana", "ben", kind="parallel", settings={"require": 1}))
    assert sorted(model.asked) == [
        "after/writer/1/answer", "all/ana/1/answer", "all/ben/1/answer",
    ]  # fmt: skip
    assert (done.status, done.degraded) == (Status.COMPLETED, True)


def test_an_item_of_a_map(decided: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model("each[1]>").play(monkeypatch)
    settings = {"items": "`[1, 2, 3]`", "block": asking("step"), "on_item_error": "keep"}
    done = decided({"id": "each", "type": "map", "settings": settings})
    assert len(model.asked) == 4
    assert [one["index"] for one in done.blocks.get(block_id="each").output["failed"]] == [1]


@pytest.mark.parametrize("is_nested", [False, True])
def test_a_request_that_was_refused(
    decided: Any, monkeypatch: pytest.MonkeyPatch, is_nested: bool
) -> None:
    door = Door(reply("broken", 500), reply("fine"))
    monkeypatch.setattr(attempt, "run_requests", lambda execution: door)
    settings: Json = {"url": "https://example.com/", "method": "POST"}
    block: Json = {"id": "get", "type": "http", "settings": settings}
    if is_nested:
        inside = {"items": "`[1]`", "block": block, "on_item_error": "keep"}
        block = {"id": "each", "type": "map", "settings": inside}
    else:
        block["on_error"] = "continue"
    done = decided(block)
    assert (done.status, done.degraded, len(door.sent)) == (Status.COMPLETED, True, 1)
    assert "the server answered 500" in done.degraded_reasons[0]


def test_a_request_of_which_nobody_knows(decided: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door(BROKEN, reply("fine"))
    monkeypatch.setattr(attempt, "run_requests", lambda execution: door)
    settings = {
        "url": "https://example.com/", "method": "POST", "on_unknown_outcome": "fail",
    }  # fmt: skip
    done = decided({"id": "get", "type": "http", "settings": settings, "on_error": "continue"})
    assert (done.status, len(door.sent)) == (Status.COMPLETED, 1)


def test_the_times_of_blocks_are_those_of_their_first_attempt(
    queue: Queue, version_of: Any, ana: User
) -> None:
    waiting = perform(queue(version_of(asking_design())))
    waiting.blocks.update(started_at=F("started_at") - HOUR)
    waiting.blocks.filter(block_id="before").update(completed_at=F("completed_at") - HOUR)
    times = {row.block_id: (row.started_at, row.completed_at) for row in waiting.blocks.all()}
    cast(waiting.requests.get(), ana)
    done = perform(waiting)
    before, release = done.blocks.get(block_id="before"), done.blocks.get(block_id="release")
    assert (before.started_at, before.completed_at) == times["before"]
    assert release.started_at == times["release"][0]
    assert release.completed_at > release.started_at + HOUR
    assert (before.status, release.status, done.result_data) == ("completed", "completed", ANY)
    assert before.output == done.steps.get(block_id="before").output
