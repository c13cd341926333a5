"""Runs with tools that are killed at named points: nothing is made twice, the answer is the same.

`python -m tests.faults.tool_kills` does the same for longer.
"""

from __future__ import annotations

from tests.faults.tool_kills import every_point, graph, random_runs, run_with_kills


async def test_a_kill_at_every_named_point_doubles_nothing() -> None:
    # Three agents: models, calls, intents and records, before and after each.
    assert await every_point() > 90


async def test_kills_at_random_points_double_nothing() -> None:
    figures = await random_runs(60)
    assert figures["questions"] > figures["runs"]


async def test_without_kills_each_call_is_made_once_and_people_only_approve() -> None:
    ended = await run_with_kills(graph(), lambda world: None)
    assert ended.world.questions == 3
    assert ended.world.calls == {"read": 6, "idempotent": 3, "once": 9}
    assert set(ended.world.effects.values()) == {1}
