"""HTTP: what is sent, which answers are taken, what is sent again, and pages."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from executor.engine.context import Timing
from executor.engine.http_door import HttpFailed, HttpReply
from tests.scripted import design, play, problems_of


async def never_ends(seconds: float) -> None:
    await asyncio.get_running_loop().create_future()


LATER = Timing(now=lambda: 1_000.0, sleep=never_ends)
MUCH_LATER = Timing(now=lambda: 2_000.0)
JSON = {"content-type": "application/json"}


class Door:
    """Answers with these in turn, the last one for ever; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.sent: list[Any] = []
        self.keys: list[str | None] = []

    async def send(self, call, headers):
        self.sent.append(call)
        self.keys.append(headers.get("Idempotency-Key"))
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


def reply(body: Any = None, status: int = 200, **headers: str) -> HttpReply:
    named = {**JSON, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return HttpReply(status, named, json.dumps(body).encode())


def block(**settings):
    usual = {} if "path" in settings else {"url": "https://example.com/things"}
    return design(
        {"id": "get", "type": "http", "label": "Get it", "settings": {**usual, **settings}}
    )


async def sent(door, given=None, steps=None, **settings):
    return await play(block(**settings), given=given, http=door, steps=steps)


BROKEN = HttpFailed("transient", "it broke off.", was_sent=True)
REFUSED = HttpFailed("refused", "10.0.0.1 is an inner address.", was_sent=False)


async def test_the_body_is_the_output_or_all_of_the_answer():
    body = await sent(Door(reply({"a": 1})))
    full = await sent(Door(reply({"a": 1}, etag="x")), output="full")
    text = await sent(Door(HttpReply(200, {"content-type": "text/plain"}, b"hi")))

    assert body.result == {"a": 1}
    assert full.result == {"status": 200, "headers": {**JSON, "etag": "x"}, "body": {"a": 1}}
    assert text.result == "hi"


async def test_templates_fill_address_query_headers_and_body():
    door = Door(reply())
    await sent(
        door,
        {"id": 7, "tags": ["a", "b c"], "who": "ana"},
        connection="crm",
        path="/things/{{ input.id }}",
        method="PUT",
        query={"tag": "{{ input.tags }}", "page": 1},
        headers={"X-Who": "{{ input.who }}"},
        body={"id": "{{ input.id }}", "text": "It is {{ input.who }}."},
    )

    call = door.sent[0]
    assert call.url == "/things/7?tag=a&tag=b%20c&page=1"
    assert call.headers == {"X-Who": "ana", "Content-Type": "application/json"}
    assert json.loads(call.content) == {"id": 7, "text": "It is ana."}
    assert door.keys == ["run:get/-/1/http"]


async def test_values_in_a_path_lead_nowhere_else():
    door = Door(reply())

    played = await sent(door, {"id": "../admin"}, connection="crm", path="/x/{{ input.id }}")

    assert "stay below the connection's address" in played.outcome.error.message
    assert door.sent == []


async def test_another_status_fails_the_block_with_its_first_characters():
    played = await sent(Door(HttpReply(404, {}, b"No such thing. " * 100)))
    redirect = await sent(Door(HttpReply(302, {}, b"")))
    taken = await sent(Door(reply({"x": 1}, 404)), accept=["2xx", "404"])

    error = played.outcome.error
    assert error.kind == "http_status"
    assert error.message.startswith("Block 'Get it': the server answered 404: No such thing. No")
    assert len(error.message) < 600
    assert "302, and redirects are not followed" in redirect.outcome.error.message
    assert taken.result == {"x": 1}


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_reads_are_sent_again_when_the_server_is_busy(status):
    door = Door(reply("busy", status), reply("fine"))

    played = await sent(door)

    assert played.result == "fine"
    assert len(door.sent) == 2
    assert played.steps["get/-/1/http"].tries == 2


async def test_what_broke_off_is_sent_again_with_the_same_key_if_it_may_be():
    read, put = Door(BROKEN, reply(1)), Door(BROKEN, reply(1))

    await sent(read)
    await sent(put, method="PUT")

    assert read.keys == [None, None]
    assert put.keys == ["run:get/-/1/http"] * 2


async def test_a_post_that_broke_off_asks_a_person_and_is_not_sent_again():
    door = Door(BROKEN, reply("fine"))

    played = await sent(door, method="POST")

    assert played.outcome.status == "waiting"
    need = played.outcome.needs[0]
    assert (need.kind, need.key) == ("unknown_outcome", "get/-/1/http/outcome.1")
    assert need.request["question"].startswith("Was POST https://example.com/things done?")
    assert len(door.sent) == 1


@pytest.mark.parametrize(
    ("answer", "result", "calls"),
    [({"decision": "again"}, "fine", 2), ({"decision": "done", "result": {"id": 4}}, {"id": 4}, 1)],
)
async def test_the_person_says_what_came_of_it(answer, result, calls):
    door = Door(BROKEN, reply("fine"))
    decisions = {"get/-/1/http/outcome.1": answer}

    played = await play(block(method="POST"), http=door, decisions=decisions)

    assert played.result == result
    assert len(door.sent) == calls


async def test_an_unknown_outcome_may_fail_instead():
    door = Door(BROKEN)

    played = await sent(door, method="POST", on_unknown_outcome="fail")

    assert played.outcome.error.kind == "unknown_outcome"
    assert len(door.sent) == 1


async def test_a_refused_address_fails_at_once_and_too_large_keeps_nothing():
    refused, large = Door(REFUSED), Door(HttpFailed("too_large", "too many.", was_sent=True))

    first, second = await sent(refused), await sent(large, method="POST")

    assert first.outcome.error.kind == "refused"
    assert (second.outcome.error.kind, second.outcome.status) == ("too_large", "failed")
    assert len(refused.sent) == len(large.sent) == 1


async def test_a_short_pause_that_is_asked_for_is_made_and_a_long_one_lets_the_run_go():
    short = Door(reply("busy", 429, retry_after="2"), reply("fine"))
    long = Door(reply("busy", 503, retry_after="60"), reply("fine"))

    assert (await sent(short)).result == "fine"
    waiting = await play(block(), http=long, timing=LATER)

    assert waiting.outcome.status == "waiting"
    assert waiting.outcome.needs[0].kind == "time"
    assert len(long.sent) == 1
    again = await play(block(), http=long, steps=waiting.steps, timing=MUCH_LATER)
    assert again.result == "fine"
    assert len(long.sent) == 2


async def test_a_recorded_answer_is_not_asked_for_again():
    whole = await sent(Door(reply({"a": 1})), method="POST")
    door = Door(reply("other"))

    again = await sent(door, steps=whole.steps, method="POST")

    assert again.result == {"a": 1}
    assert door.sent == []


PAGES = {"items": "body.items", "next": "body.next", "most": 3}
QUERY = {"query": {"after": "{{ cursor }}"}, "pages": PAGES}


def page(number, more):
    return reply({"items": [number], "next": more})


async def test_pages_are_read_to_the_end_each_a_step():
    door = Door(page(1, "b"), page(2, None))

    played = await sent(door, **QUERY)

    assert played.result == [1, 2]
    assert [call.url for call in door.sent] == [
        "https://example.com/things", "https://example.com/things?after=b",
    ]  # fmt: skip
    assert list(played.steps) == ["get/-/1/http", "get/-/2/http"]


async def test_a_repeated_cursor_and_the_cap_end_them_degraded_a_bad_status_fails():
    repeated = await sent(Door(page(1, "b"), page(2, "b")), **QUERY)
    capped = await sent(Door(page(1, "b"), page(2, "c"), page(3, "d")), **QUERY)
    broken = await sent(Door(page(1, "b"), HttpReply(404, {}, b"")), **QUERY)

    assert repeated.result == [1, 2]
    assert "names a next page that was read before" in repeated.outcome.degraded[0]
    assert capped.result == [1, 2, 3]
    assert "more than 3 pages" in capped.outcome.degraded[0]
    assert broken.outcome.error.kind == "http_status"


async def test_the_next_page_of_another_server_is_not_asked():
    door = Door(reply({"items": [1], "next": "https://evil.example/x"}))

    played = await sent(door, **QUERY)

    assert "is on another server" in played.outcome.error.message


def test_its_rules():
    both = design({"id": "a", "type": "http", "settings": {"url": "https://a.b", "path": "/x"}})
    wrong = block(method="GET", body="x", accept=["ok"], headers={"Host": "x"})

    assert {"/blocks/0/settings", "/blocks/0/settings/path"} <= set(problems_of(both))
    assert set(problems_of(wrong)) == {
        "/blocks/0/settings/body", "/blocks/0/settings/accept/0", "/blocks/0/settings/headers/Host",
    }  # fmt: skip
