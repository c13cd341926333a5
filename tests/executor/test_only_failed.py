"""Playing again only what failed: lost items and blocks, and what depends on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.models import Execution, Status
from tests.graphs import agent, asking, chain, design
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Queue = Callable[..., Execution]


class Model:
    """The stand-in, which is down for some steps."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down: tuple[str, ...] = ()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    found = Model()
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        key = request.call_key.partition(":")[2]
        found.asked.append(key)
        if key.startswith(found.down):
            request.on_sent()
            raise ModelError(ErrorKind.REQUEST, "it is down.")
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    return found


def each(count: int, **more: Any) -> dict[str, Any]:
    items = f"`{list(range(count))}`"
    inner = asking("step", "ana", "ben")
    settings = {"items": items, "block": inner, "on_item_error": "keep", **more}
    return {"id": "each", "type": "map", "label": "Every item", "settings": settings}


def perform(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def again(api: APIClient, execution: Execution) -> Any:
    body = {"only": "failed"}
    return api.post(f"/api/executions/{execution.pk}/resume", body, format="json")


def played_again(api: APIClient, execution: Execution) -> Execution:
    answer = again(api, execution)
    assert answer.status_code == 202, answer.json()
    return perform(Execution.objects.get(pk=answer.json()["log_id"]))


@pytest.fixture
def api(designer: User, api_of: Callable[[User], APIClient]) -> APIClient:
    return api_of(designer)


def test_only_lost_items_and_what_follows_the_map_are_played_again(
    queue: Queue, version_of: Any, model: Model, api: APIClient
) -> None:
    document = design([each(40), asking("sum")], chain("each", "sum"))
    model.down = ("each[7]>", "each[12]>step/ben/")
    first = perform(queue(version_of(document)))
    assert (first.status, first.degraded) == (Status.COMPLETED, True)
    assert first.blocks.get(block_id="each").progress == {"done": 38, "failed": 2, "total": 40}
    model.down, model.asked = (), []

    new = played_again(api, first)

    assert sorted(model.asked) == [
        "each[12]>step/ben/1/answer", "each[7]>step/ana/1/answer", "each[7]>step/ben/1/answer",
        "sum/writer/1/answer",
    ]  # fmt: skip
    assert (new.status, new.degraded) == (Status.COMPLETED, False)
    assert new.blocks.get(block_id="each").output["failed"] == []
    assert new.model_calls == 4


def test_a_parallel_block_asks_the_lost_member_and_brings_the_answers_together_anew(
    queue: Queue, version_of: Any, model: Model, api: APIClient
) -> None:
    members = ("ana", "ben", agent("head", "moderator"))
    block = asking("all", *members, kind="parallel", settings={"require": 1})
    model.down = ("all/ben/",)
    first = perform(queue(version_of(design([block, asking("before")]))))
    assert first.degraded
    model.down, model.asked = (), []

    new = played_again(api, first)

    assert sorted(model.asked) == ["all/ben/1/answer", "all/head/1/aggregate"]
    assert not new.degraded


def test_a_block_that_was_gone_on_without_is_played_again(
    queue: Queue, version_of: Any, model: Model, api: APIClient
) -> None:
    first_block = asking("first", on_error="continue")
    document = design([first_block, asking("other"), asking("last")], chain("first", "last"))
    model.down = ("first/",)
    first = perform(queue(version_of(document)))
    model.down, model.asked = (), []

    new = played_again(api, first)

    assert sorted(model.asked) == ["first/writer/1/answer", "last/writer/1/answer"]
    assert not new.degraded


def test_where_nothing_failed_there_is_nothing_to_play_again(
    queue: Queue, version_of: Any, model: Model, api: APIClient
) -> None:
    done = perform(queue(version_of(design([each(2)]))))

    answer = again(api, done)
    both = api.post(
        f"/api/executions/{done.pk}/resume", {"only": "failed", "block": "each"}, format="json"
    )

    assert answer.status_code == 409
    assert "Nothing failed in this execution" in answer.json()["detail"]
    assert both.status_code == 422


def test_the_page_offers_it_and_shows_how_far_the_map_came(
    queue: Queue, version_of: Any, model: Model, designer: User,
    browser_of: Callable[[User], Client],
) -> None:  # fmt: skip
    model.down = ("each[7]>", "each[12]>step/ben/")
    first = perform(queue(version_of(design([each(140)]))))
    browser = browser_of(designer)

    page = browser.get(f"/executions/{first.pk}/").content.decode()
    opened = browser.get(f"/executions/{first.pk}/?block=each&items=100").content.decode()
    failed = browser.get(f"/executions/{first.pk}/?block=each&items=failed").content.decode()

    assert "Run the failed ones again" in page
    assert "138 / 140, 2 failed" in page
    assert ("100 to 139" in page, "item 117" in page) == (True, False)
    assert ("item 117" in opened, "item 17:" in opened) == (True, False)
    assert "item 7:" in failed
    answer = browser.post(f"/executions/{first.pk}/resume/", {"only": "failed"})
    new = Execution.objects.get(resumed_from=first)
    assert answer["Location"].endswith(f"/executions/{new.pk}/")


def test_a_viewer_may_not(
    queue: Queue, version_of: Any, model: Model, viewer: User, api_of: Callable[[User], APIClient]
) -> None:
    model.down = ("each[1]>",)
    first = perform(queue(version_of(design([each(2)]))))

    assert again(api_of(viewer), first).status_code == 403
