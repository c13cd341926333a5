"""What is played deep inside, or beside something that waits: keys that fit, words that stand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from executor.engine import results
from executor.engine.context import Timing
from executor.engine.evaluation import Evaluation
from executor.engine.journal import MAX_KEY
from executor.engine.llm.tool_use import read_arguments
from executor.engine.tools import ToolCallError, digest_of
from tests.executor.engine.stage import compiled
from tests.executor.engine.waiting_blocks import members, play_waiting
from tests.executor.waiting_designs import approval
from tests.fake_tools import FakeTools, tool
from tests.graphs import asking, design
from tests.memory_journal import MemoryJournal
from tests.scripted import agent, calls, play
from tests.scripted import block as agents_block
from tests.scripted import design as designed
from tests.scripted_door import BROKEN, Door, block, reply

LONG = "a" * 60
LOST = ToolCallError("The connection broke.", was_sent=True)
KEY = "main/ana/1/answer"


def deep(document: Any, depth: int = 4) -> tuple[Any, dict[str, Any]]:
    """The document inside others whose blocks have long ids."""
    graphs = {}
    for number in range(depth):
        graphs[f"/{number}"] = compiled(document)
        settings = {"path": f"/{number}", "input": "input"}
        document = design([{"id": LONG, "type": "subdesign", "settings": settings}])
    return document, graphs


async def test_deep_inside_the_keys_of_requests_fit_columns_and_headers() -> None:
    document, graphs = deep(block(method="POST"))
    door = Door(BROKEN)
    played = await play(document, nested=graphs, http=door)
    (need,) = played.outcome.needs
    assert len(need.key) <= MAX_KEY
    assert need.key.endswith("get/-/1/http/outcome.1")
    assert (door.keys[0] or "").isascii()


async def test_deep_inside_the_keys_of_tool_calls_tell_their_block() -> None:
    ana = asking("ask", agent("ana", tools=["crm.pay"]))
    document, graphs = deep(design([ana]))
    tools = FakeTools((tool("crm.pay", "once"),), {"crm.pay": LOST})
    journal = MemoryJournal()
    script = {"answer": calls(("crm.pay", {}))}
    played = await play(document, script, nested=graphs, tools=tools, journal=journal)
    (need,) = played.outcome.needs
    for key in (need.key, *journal.intended):
        assert len(key) <= MAX_KEY
        assert key.startswith(f"{LONG}>")
    assert tools.calls[0].key.isascii()


async def test_who_said_fail_is_not_asked_again_while_another_call_waits() -> None:
    mail = tool("crm.mail", "once", approval="always")
    tools = FakeTools((tool("crm.pay", "once"), mail), {"crm.pay": LOST})
    script = {"answer": calls(("crm.pay", {}), ("crm.mail", {}))}
    document = designed(agents_block("sequential", agent("ana", tools=["crm.pay", "crm.mail"])))
    journal = MemoryJournal()
    first = await play(document, script, tools=tools, journal=journal)
    lost, approval = sorted(first.outcome.needs, key=lambda need: need.kind, reverse=True)
    said: dict[str, Any] = {lost.key: {"decision": "fail", "by": "eve"}}
    second = await play(document, script, tools=tools, journal=journal, decisions=said)
    assert [need.key for need in second.outcome.needs] == [approval.key]
    said[approval.key] = {"decision": "approved", "by": "eve"}
    third = await play(document, script, tools=tools, journal=journal, decisions=said)
    assert (third.outcome.status, tools.count("crm.pay")) == ("failed", 1)


async def test_a_nested_design_begins_though_its_large_input_is_checked_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def slowly(value: Any, check: Any, *args: Any) -> Any:
        await asyncio.sleep(0.05)
        return check(*args)

    monkeypatch.setattr(results, "compute_on", slowly)
    schema = {"type": "object", "properties": {"many": {"type": "array"}}}
    inner = compiled({**design([asking("writer")]), "input_schema": schema})
    sub = {"id": "sub", "type": "subdesign", "settings": {"path": "/sub", "input": "input"}}
    given = {"many": [1]}
    played = await play_waiting([members("a", "waits"), sub], nested={"/sub": inner}, given=given)
    assert played.statuses == {"a": "waiting", "sub": "completed"}


async def test_what_a_server_echoes_is_masked_wherever_it_is() -> None:
    def mask(text: str) -> str:
        return text.replace("s3cret", "***")

    good = Door(reply("fine", x_echo="s3cret"))
    played = await play(block(output="full"), http=good, mask=mask)
    assert played.result["headers"]["x-echo"] == "***"
    bad = Door(reply("your s3cret is wrong", 403))
    failed = await play(block(), http=bad, mask=mask)
    assert "***" in failed.error
    assert "s3cret" not in failed.error


def test_the_digest_of_arguments_is_that_of_what_a_database_gives_back() -> None:
    # PostgreSQL writes 1e16 as digits.
    assert digest_of("crm.pay", {"eur": 1e16}) == digest_of("crm.pay", {"eur": 10**16})
    assert digest_of("crm.pay", {"eur": 1.5}) != digest_of("crm.pay", {"eur": 1})


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400", "9" * 30])
def test_arguments_that_no_database_holds_are_no_arguments(number: str) -> None:
    text = f'{{"eur": {number}}}'
    assert read_arguments(text) == text
    assert read_arguments('{"eur": -17, "share": 0.5e1}') == {"eur": -17, "share": 5.0}


@pytest.mark.parametrize(
    "block",
    [
        approval(question="{{ length(input.many) }}?", show="sort(map(&to_string(@), input.many))"),
        {"id": "wait", "type": "wait", "settings": {"until": "sort(input.many) && input.at"}},
    ],
    ids=["approval", "wait"],
)
async def test_what_a_block_that_waits_reads_is_computed_in_no_others_time(
    block: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: Any) -> Any:
        raise AssertionError("The loop was blocked.")

    monkeypatch.setattr(Evaluation, "run_in_place", never)
    given = {"many": list(range(5_000)), "at": "2099-01-01T00:00:00Z"}
    played = await play(design([block]), given=given, timing=Timing(now=lambda: 4_070_908_000.0))
    assert played.outcome.status == "waiting", played.outcome.error
