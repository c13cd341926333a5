"""HTTP: what is sent again, what is not, and what a person decides."""

from __future__ import annotations

import pytest

from executor.engine.http_door import HttpFailed
from tests.scripted import play
from tests.scripted_door import BROKEN, LATER, MUCH_LATER, REFUSED, Door, block, reply, sent


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
