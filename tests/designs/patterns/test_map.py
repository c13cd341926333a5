"""Map: one body for each item, in order, with what a failure means."""

from __future__ import annotations

import pytest

from executor.engine.events import BlockChanged, BlockProgress
from tests.scripted import DOWN, agent, block, design, play, problems_of

STEP = {k: v for k, v in block("sequential", agent("ana"), agent("ben")).items() if k != "id"}


NEEDED = [("all", "failed"), (3, "failed"), (2, "completed")]


def mapped(inner=STEP, **settings):
    settings = {"items": "input.items", "block": inner, **settings}
    return design({"id": "each", "type": "map", "label": "Every item", "settings": settings})


def lost(*numbers):
    """Ana's answers, but for these items."""

    def say(request):
        key = request.call_key.partition(":")[2]
        return DOWN if any(key.startswith(f"each[{number}]>") for number in numbers) else "fine"

    return {"ana": say, "ana/answer": say}


async def test_results_keep_the_order_of_the_items_whoever_is_first():
    given = {"items": list(range(30))}
    inner = {**STEP, "task": "Say {{ input.item }} of {{ input.index }}."}

    whole = await play(mapped(inner), given=given, seed=3)

    assert whole.result["total"] == 30
    assert whole.result["failed"] == []
    assert whole.result["results"] == [f"each[{n}]>block/ben/1/answer" for n in range(30)]
    assert whole.model.prompt("each[7]>block/ana/1/answer")["Task"] == "Say 7 of 7."
    assert whole.model.most_busy == 8


async def test_an_item_starts_as_soon_as_a_slot_is_free():
    played = await play(mapped(max_concurrency=3), given={"items": [0] * 9}, seed=1)

    assert played.model.most_busy == 3
    ended = [key for key in played.steps if "/ben/" in key]
    begun = [key for key in played.model.calls if "/ana/" in key]
    # The fourth item does not wait for all of the first three.
    assert begun.index("each[3]>block/ana/1/answer") == 3
    assert len(ended) == 9


async def test_a_failed_item_fails_the_block_with_the_chain_in_words():
    played = await play(mapped(), lost(1), given={"items": [1, 2, 3]})

    assert played.outcome.status == "failed"
    assert played.outcome.error.block_id == "each"
    assert played.outcome.error.step_key == "each[1]>block/ana/1/answer"
    assert played.outcome.error.message == (
        "Block 'Every item', item 1: Block 'block': agent 'ana' got no answer: the model is down."
    )


async def test_a_lost_item_is_null_in_its_place_or_left_out():
    kept = await play(mapped(on_item_error="keep"), lost(1), given={"items": [1, 2, 3]})
    dropped = await play(mapped(on_item_error="drop"), lost(1), given={"items": [1, 2, 3]})

    first, last = (f"each[{n}]>block/ben/1/answer" for n in (0, 2))
    assert kept.result["results"] == [first, None, last]
    assert dropped.result["results"] == [first, last]
    for played in (kept, dropped):
        assert [one["index"] for one in played.result["failed"]] == [1]
        assert played.outcome.degraded == (
            "1 of 3 items has no result: item 1: Block 'block': agent 'ana' got no answer: "
            "the model is down.",
        )


@pytest.mark.parametrize(
    ("require", "status"), [("all", "failed"), (3, "failed"), (2, "completed")]
)
async def test_so_many_results_are_needed(require, status):
    document = mapped(on_item_error="keep", require=require)

    played = await play(document, lost(1), given={"items": [1, 2, 3]})

    assert played.outcome.status == status
    # The others are played to their end first, so that going on repeats none of them.
    assert sum("/ben/" in key for key in played.steps) == 2


async def test_no_items_are_no_results():
    played = await play(mapped(), given={"items": []})

    assert played.result == {"results": [], "failed": [], "total": 0}
    assert played.outcome.degraded == ()


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ("text", "`input.items` is no list but text; name a list."),
        (None, "`input.items` is nothing; name a list."),
        (
            [1, 2, 3],
            "`input.items` has 3 items; `most_items` allows 2. Raise it, or give a shorter",
        ),
    ],
)
async def test_what_is_no_list_or_too_long_fails_before_anything_is_played(items, sentence):
    played = await play(mapped(most_items=2), given={"items": items})

    assert sentence in played.outcome.error.message
    assert played.model.calls == []


async def test_blocks_inside_have_no_state_of_their_own_and_progress_is_told():
    played = await play(mapped(on_item_error="keep"), lost(1), given={"items": [1, 2, 3]})

    assert {e.block_id for e in played.events if isinstance(e, BlockChanged)} == {"each"}
    told = [event for event in played.events if isinstance(event, BlockProgress)]
    assert told[0] == BlockProgress("each", 0, 0, 3)
    assert told[-1] == BlockProgress("each", 2, 1, 3)


def test_its_rules():
    both = mapped(path="/a/b")
    approval = mapped({"type": "approval", "settings": {}})
    wrong = mapped({**STEP, "agents": [], "task": "{{ blocks.x.output }}"})
    number = mapped(require=3)

    assert "/blocks/0/settings/block" in problems_of(both)
    assert "An approval has a place of its own" in str(problems_of(approval))
    assert set(problems_of(wrong)) == {
        "/blocks/0/settings/block/agents",
        "/blocks/0/settings/block/task",
    }
    assert set(problems_of(number)) == {"/blocks/0/settings/require"}
