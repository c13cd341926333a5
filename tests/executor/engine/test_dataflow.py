"""Which block runs when, and what reaches its agents through block and agent connections."""

from __future__ import annotations

import asyncio

from tests.executor.engine.stage import Stage, play
from tests.graphs import agent, asking, chain, design, link, transform
from tests.virtual_time import use_virtual_time


async def test_a_block_starts_when_all_its_connections_have_settled() -> None:
    blocks = [asking(name) for name in ("d", "c", "b", "a")]
    ways = [link("a", "b"), link("a", "c"), link("b", "d"), link("c", "d")]
    played = await play(design(blocks, ways))
    log = played.stage.log
    assert [key[0] for what, key in log if what == "start"] == ["a", "b", "c", "d"]
    for source, target in ("ab", "ac", "bd", "cd"):
        end, start = ("end", f"{source}/writer/1/answer"), ("start", f"{target}/writer/1/answer")
        assert log.index(end) < log.index(start)


async def test_independent_blocks_run_at_the_same_time() -> None:
    use_virtual_time()
    stage = Stage(seconds=1)
    played = await play(design([asking(name) for name in "abc"]), stage)
    assert [what for what, _ in stage.log] == ["start"] * 3 + ["end"] * 3
    assert stage.most_busy == 3
    assert set(played.result) == {"a", "b", "c"}


async def test_a_branch_does_not_wait_for_another() -> None:
    """Of a -> b and c -> d, the fast branch ends while the slow one is at its first block."""
    stage = Stage({"c": lambda request: slow()})

    async def slow() -> str:
        while ("end", "b/writer/1/answer") not in stage.log:
            await asyncio.sleep(0)
        return "at last"

    played = await play(
        design([asking(name) for name in "abcd"], [link("a", "b"), link("c", "d")]), stage
    )
    assert played.stage.calls == [f"{name}/writer/1/answer" for name in "acbd"]


async def test_a_prompt_is_the_task_then_the_deliveries_in_the_documents_order() -> None:
    target = asking(
        "t", agent("w", system_prompt="Be {{ input.how }}."), task="Join {{ input.n }}."
    )
    blocks = [target, transform("x", "{rows: [`1`]}"), asking("y", "w"), transform("z", "'text'")]
    ways = [link("z", "t"), link("y", "t"), link("x", "t")]
    stage = Stage({"y": "said by y"})
    played = await play(design(blocks, ways), stage, given={"n": 3, "how": "brief"})
    request = played.stage.requests[-1]
    assert request.system == "Be brief."
    assert [(part.label, part.value) for part in request.parts] == [
        ("Task", "Join 3."),
        ("From z", "text"),
        ("From y", "said by y"),
        ("From x", {"rows": [1]}),
    ]
    assert (request.purpose, request.role) == ("answer", "worker")
    assert request.call_key == "run:t/w/1/answer"


async def test_agents_in_sequence_see_the_answer_before_their_own() -> None:
    raw = design([asking("a", agent("one", name="One"), "two", "three")])
    played = await play(raw, {"one": "1", "two": "2", "three": "3"})
    assert played.result == "3"
    assert "Answer of One" not in played.stage.prompt("a/one/1/answer")
    assert played.stage.prompt("a/two/1/answer")["Answer of One"] == "1"
    third = played.stage.prompt("a/three/1/answer")
    assert ("Answer of One" in third, third["Answer of two"]) == (False, "2")
    raw["blocks"][0]["settings"] = {"context": "full"}
    third = (await play(raw, {"one": "1", "two": "2"})).stage.prompt("a/three/1/answer")
    assert (third["Answer of One"], third["Answer of two"]) == ("1", "2")


async def test_an_agent_connection_is_seen_by_one_agent_only() -> None:
    blocks = [asking("a", "x", "y"), asking("b", "p", "q", kind="parallel")]
    ways = [
        {**link("a", "b"), "id": "c1", "source_agent": "x", "target_agent": "p"},
        {**link("a", "b"), "id": "c2", "source_agent": "y"},
    ]
    played = await play(design(blocks, ways), {"x": "of x", "y": "of y"})
    first, second = (played.stage.prompt(f"b/{who}/1/answer") for who in "pq")
    assert (first["From a, agent x"], first["From a, agent y"]) == ("of x", "of y")
    assert ("From a, agent x" in second, second["From a, agent y"]) == (False, "of y")


async def test_block_and_agent_connections_mixed() -> None:
    blocks = [asking("a", "x", "y"), transform("n", "`5`"), asking("b", "p", "q", kind="parallel")]
    ways = [
        link("a", "b"),
        {**link("a", "b"), "id": "c2", "source_agent": "x", "target_agent": "q"},
        link("n", "b", target_agent="p"),
    ]
    played = await play(design(blocks, ways), {"x": "first", "y": "last"})
    first, second = (played.stage.prompt(f"b/{who}/1/answer") for who in "pq")
    assert {k: v for k, v in first.items() if k.startswith("From")} == {
        "From a": "last",
        "From n": 5,
    }
    assert {k: v for k, v in second.items() if k.startswith("From")} == {
        "From a": "last", "From a, agent x": "first",
    }  # fmt: skip


async def test_what_is_for_the_only_agent_is_for_the_block() -> None:
    blocks = [asking("a", "x"), asking("b", agent("p", system_prompt="Got {{ incoming }}."))]
    played = await play(design(blocks, [link("a", "b", target_agent="p")]), {"x": "it"})
    assert played.stage.prompt("b/p/1/answer")["system"] == "Got it."


async def test_incoming_is_null_one_value_or_an_object_by_source() -> None:
    look = "{it: incoming}"
    blocks = [
        asking("a", "x", "y"), transform("n", "`5`"), transform("none", look),
        transform("one", look), transform("two", look), transform("agents", look),
        transform("whole", look),
    ]  # fmt: skip
    ways = [
        link("n", "one"), link("a", "two"), link("n", "two"),
        {**link("a", "agents"), "id": "g1", "source_agent": "x"},
        {**link("a", "agents"), "id": "g2", "source_agent": "y"}, link("n", "agents"),
        {**link("a", "whole"), "id": "w1", "source_agent": "x"},
        {**link("a", "whole"), "id": "w2"}, link("n", "whole"),
    ]  # fmt: skip
    played = await play(design(blocks, ways), {"x": "1", "y": "2"})
    outputs = played.outcome.block_outputs
    assert outputs["none"] == {"it": None}
    assert outputs["one"] == {"it": 5}
    assert outputs["two"] == {"it": {"a": "2", "n": 5}}
    assert outputs["agents"] == {"it": {"a": {"x": "1", "y": "2"}, "n": 5}}
    assert outputs["whole"] == {"it": {"a": "2", "n": 5}}


async def test_an_agents_system_prompt_sees_what_the_agent_sees() -> None:
    prompt = "{{ to_string(incoming) }} {{ execution.trigger }} {{ blocks.a.output }}"
    members = [agent("p", system_prompt=prompt), agent("q", system_prompt=prompt)]
    blocks = [transform("a", "`1`"), transform("b", "`2`"), asking("t", *members, kind="parallel")]
    played = await play(design(blocks, [link("a", "t"), link("b", "t", target_agent="q")]))
    assert played.stage.prompt("t/p/1/answer")["system"] == "1 manual 1"
    assert played.stage.prompt("t/q/1/answer")["system"] == '{"a":1,"b":2} manual 1'


async def test_without_a_prompt_an_agent_is_told_its_role() -> None:
    played = await play(design([asking("a", agent("judge", "moderator", name="Ada"))]))
    assert played.stage.requests[0].system == "You are Ada, a moderator. Do the task you are given."


async def test_a_long_chain_hands_on_step_by_step() -> None:
    names = [f"b{number}" for number in range(30)]
    blocks = [transform("b0", "`1`"), *(transform(n, "sum([incoming, `1`])") for n in names[1:])]
    assert (await play(design(blocks, chain(*names)))).result == 30
