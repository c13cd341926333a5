"""A wait lets the run go on later: after some time, or at a time that an expression says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphs import Json, link, transform
from tests.graphs import design as drawn
from tests.scripted import play, problems_of


def wait(**settings: Any) -> Json:
    return {"id": "later", "type": "wait", "settings": settings}


async def test_it_is_due_after_so_many_seconds_and_what_follows_goes_on() -> None:
    document = drawn([wait(seconds=3600), transform("next", "'went on'")], [link("later", "next")])
    played = await play(document)
    assert played.result == "went on"
    assert played.steps["later/-/1/until"].output["due_at"] == pytest.approx(
        played.steps["later/-/1/until"].started_at + 3600, abs=1
    )
    assert set(played.outcome.block_outputs["later"]) == {"waited_seconds"}


@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00+02:00"])
async def test_a_time_that_is_past_is_not_waited_for(when: str) -> None:
    played = await play(drawn([wait(until="input.at")]), given={"at": when})
    assert played.result == {"waited_seconds": 0.0}


@pytest.mark.parametrize("when", ["tomorrow", "2026-01-01T00:00:00", 5, None, "", {"a": 1}])
async def test_what_is_no_time_with_its_zone_fails_the_block(when: Any) -> None:
    played = await play(drawn([wait(until="input.at")]), given={"at": when})
    assert played.outcome.error is not None
    assert played.outcome.error.kind == "block"
    assert "a time with its zone is needed, as `2026-12-01T09:00:00Z`." in played.error


async def test_nobody_waits_for_years() -> None:
    played = await play(drawn([wait(until="input.at")]), given={"at": "2099-01-01T00:00:00Z"})
    assert "longer than" not in played.error
    assert "more than 30 days" in played.error


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({}, "/blocks/0/settings"),
        ({"seconds": 1, "until": "input.at"}, "/blocks/0/settings"),
        ({"seconds": 2_592_001}, "/blocks/0/settings/seconds"),
        ({"seconds": -1}, "/blocks/0/settings/seconds"),
        ({"until": "input."}, "/blocks/0/settings/until"),
    ],
)
def test_settings_without_a_meaning_are_problems(settings: Json, path: str) -> None:
    assert list(problems_of(drawn([wait(**settings)]))) == [path]
