"""A run as a stream of events: complete, resumable, and never started by following it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient

from deployments.models import Deployment
from executor.engine.llm.offline import StandIn
from executor.following import stream as follower
from executor.models import Execution
from tests.documents import doubling, greeting

pytestmark = pytest.mark.django_db(transaction=True)

Deploy = Callable[..., Deployment]
EVENTS = "text/event-stream"


class Reader:
    """Reads a response's events as they come: (id, name, data)."""

    def __init__(self, response: Any) -> None:
        assert response.status_code == 200, response.content
        assert response["Content-Type"] == EVENTS
        self.lines = response.streaming_content

    async def __aiter__(self) -> AsyncIterator[tuple[str, str, Any]]:
        text = ""
        async for part in self.lines:
            text += part.decode()
            while "\n\n" in text:
                one, _, text = text.partition("\n\n")
                fields = dict(line.split(": ", 1) for line in one.splitlines() if line[:1] != ":")
                if "event" in fields:
                    yield fields.get("id", ""), fields["event"], json.loads(fields["data"])


async def all_of(response: Any) -> list[tuple[str, str, Any]]:
    async with asyncio.timeout(60):
        return [event async for event in Reader(response)]


@pytest.fixture
def headers(operator: User, key_of: Callable[..., str]) -> dict[str, str]:
    return {"authorization": f"Bearer {key_of(operator)}"}


async def call(path: str, body: Any, headers: dict[str, str]) -> Any:
    return await AsyncClient().post(
        path, json.dumps(body), content_type="application/json",
        headers={**headers, "accept": EVENTS},
    )  # fmt: skip


async def follow(pk: Any, headers: dict[str, str], last: str = "") -> Any:
    sent = {**headers, **({"last-event-id": last} if last else {})}
    return await AsyncClient().get(f"/api/executions/{pk}/events", headers=sent)


async def test_a_call_streams_its_run_to_the_end(deploy: Deploy, headers: dict[str, str]) -> None:
    await sync_to_async(deploy)(greeting(), "/greet")
    events = await all_of(await call("/api/deployed/greet", {"name": "Ada"}, headers))
    names = [name for _, name, _ in events]
    assert names[0] == "execution"
    assert names[-1] == "done"
    assert names.count("done") == 1
    steps = [data for _, name, data in events if name == "step"]
    assert [step["agent_id"] for step in steps] == ["writer", "editor"]
    for step in steps:
        pieces = [d for _, name, d in events if name == "delta" and d["step"] == step["key"]]
        assert "".join(piece["text"] for piece in pieces).strip() == step["text"]
        whole = [data for _, _, data in events]
        assert whole.index(pieces[-1]) < whole.index(step)
    done = events[-1][2]
    assert done["success"] is True
    assert done["result"] == steps[-1]["text"]
    blocks = [(data["block_id"], data["status"]) for _, name, data in events if name == "block"]
    assert blocks[-1] == ("greet", "completed")
    assert await Execution.objects.acount() == 1


async def test_a_run_that_only_computes_is_told_too(
    deploy: Deploy, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody looks by himself whether it has ended.
    monkeypatch.setattr(follower, "ALIVE_SECONDS", 3600.0)
    deployment = await sync_to_async(deploy)()
    url = f"/api/deployments/{deployment.pk}/execute"
    events = await all_of(await call(url, {"input_data": {"number": 21}}, headers))
    assert events[-1][1] == "done"
    assert events[-1][2]["result"] == 42
    assert sum(name == "step" for _, name, _ in events) == 2


async def test_going_on_after_any_event_tells_the_rest_and_no_more(
    deploy: Deploy, headers: dict[str, str]
) -> None:
    await sync_to_async(deploy)(greeting(), "/greet")
    first = await all_of(await call("/api/deployed/greet", {"name": "Ada"}, headers))
    pk = first[0][2]["log_id"]
    told = [event for event in first if event[1] != "delta"]
    assert len(told) >= 5
    for number, (last, _, _) in enumerate(told[:-1]):
        rest = await all_of(await follow(pk, headers, last))
        assert rest[-1] == told[-1]
        left = [data for _, name, data in told[number + 1 :] if name == "step"]
        assert [data for _, name, data in rest if name == "step"] == left
        # What changed twice meanwhile is told as it is now.
        ended = [(e[2]["block_id"], e[2]["status"]) for e in rest if e[1] == "block"]
        assert ended in ([], [("greet", "completed")])
    whole = await all_of(await follow(pk, headers, "nonsense"))
    assert [e[1] for e in whole if e[1] == "step"] == ["step", "step"]
    assert (await follow(pk, headers, told[-1][0])).status_code == 204
    assert await Execution.objects.acount() == 1


async def test_who_comes_later_gets_the_text_so_far(
    deploy: Deploy, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        # Long enough that its beginning is told, though the end of a text is held back for a while.
        answer = await real(self, request)
        answer = dataclasses.replace(answer, text="And so on. " * 100 + answer.text)
        half = len(answer.text) // 2
        if on_delta is not None:
            on_delta(answer.text[:half])
            reached.set()
            await go_on.wait()
            on_delta(answer.text[half:])
        return answer

    real = StandIn.complete
    monkeypatch.setattr(StandIn, "complete", complete)
    await sync_to_async(deploy)(greeting(), "/greet")
    first = Reader(await call("/api/deployed/greet", {"name": "Ada"}, headers)).__aiter__()
    _, _, begun = await anext(first)
    reading = asyncio.create_task(_until_delta(first))
    await reached.wait()
    early = await asyncio.wait_for(reading, 60)
    second = Reader(await follow(begun["log_id"], headers)).__aiter__()
    late = await asyncio.wait_for(_until_delta(second), 60)
    assert late == early
    assert late["at"] == 0
    go_on.set()
    rest = [event async for event in second]
    text = late["text"] + "".join(
        d["text"] for _, name, d in rest if name == "delta" and d["step"] == late["step"]
    )
    assert text == next(d["text"] for _, name, d in rest if name == "step")
    assert rest[-1][1] == "done"


async def _until_delta(events: AsyncIterator[tuple[str, str, Any]]) -> Any:
    async for _, name, data in events:
        if name == "delta":
            return data
    raise AssertionError("no text came")


async def test_an_idempotency_key_follows_the_first_run(
    deploy: Deploy, headers: dict[str, str]
) -> None:
    await sync_to_async(deploy)(greeting(), "/greet")
    keyed = {**headers, "idempotency-key": "one"}
    first = await all_of(await call("/api/deployed/greet", {}, keyed))
    again = await call("/api/deployed/greet", {}, keyed)
    assert again["Idempotent-Replayed"] == "true"
    assert (await all_of(again))[-1][2]["log_id"] == first[-1][2]["log_id"]
    assert await Execution.objects.acount() == 1


async def test_a_failed_run_is_done_with_its_problem(
    deploy: Deploy, headers: dict[str, str]
) -> None:
    await sync_to_async(deploy)({**doubling(), "output_schema": {"type": "string"}})
    events = await all_of(await call("/api/deployed/double", {"number": 1}, headers))
    assert events[-1][2]["status"] == 502
    assert events[-1][2]["error_class"] == "output"
