"""Effects: what is done with a call whose answer was lost, by a crash or by a broken connection."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.tools import OfferedTool, ToolCallError
from tests.fake_tools import FakeTools, tool
from tests.memory_journal import MemoryJournal
from tests.scripted import Played, agent, block, calls, design, play

KEY = "main/ana/1/answer"
CALL = f"{KEY}/tool.1"
LOST = ToolCallError("The connection broke.", was_sent=True)
SCRIPT = {"answer": calls(("crm.pay", {"eur": 5})), "answer.2": "Paid."}
DOCUMENT = design(block("sequential", agent("ana", tools=["crm.pay"])))


def pay(effect: str = "once", **more: Any) -> OfferedTool:
    return tool("crm.pay", effect, **more)


async def run(
    offered: OfferedTool,
    does: Any = "Paid 5 EUR.",
    journal: MemoryJournal | None = None,
    **more: Any,
) -> tuple[Played, FakeTools, MemoryJournal]:
    tools, journal = FakeTools((offered,), {"crm.pay": does}), journal or MemoryJournal()
    return await play(DOCUMENT, SCRIPT, tools=tools, journal=journal, **more), tools, journal


def before_the_record(journal: MemoryJournal) -> MemoryJournal:
    """As after a crash between the call and its record: the model's answer and intents are kept."""
    kept = MemoryJournal({KEY: journal.steps[KEY]})
    kept.intended = journal.intended
    return kept


@pytest.mark.parametrize(("effect", "intents"), [("read", 0), ("idempotent", 0), ("once", 1)])
async def test_only_what_must_not_happen_twice_is_intended_first(effect: str, intents: int) -> None:
    played, tools, journal = await run(pay(effect))
    assert played.result == "Paid."
    assert journal.intended[CALL] == intents
    assert tools.count("crm.pay") == 1


@pytest.mark.parametrize("effect", ["read", "idempotent"])
async def test_what_may_be_repeated_is_called_again_with_its_key(effect: str) -> None:
    _, first, journal = await run(pay(effect), root_execution="first")
    kept = before_the_record(journal)
    played, second, _ = await run(pay(effect), journal=kept, root_execution="first")
    assert played.result == "Paid."
    assert [call.key for call in first.calls + second.calls] == [f"first:{CALL}"] * 2


async def test_a_lost_call_is_not_made_again_before_a_person_said_so() -> None:
    _, _, journal = await run(pay())
    played, tools, kept = await run(pay(), journal=before_the_record(journal))
    assert played.outcome.status == "waiting"
    (need,) = played.outcome.needs
    assert (need.key, need.kind, need.agent_id) == (f"{CALL}/outcome.1", "unknown_outcome", "ana")
    assert need.request["shown"] == {"tool": "crm.pay", "arguments": {"eur": 5}, "agent": "ana"}
    assert tools.calls == []
    assert kept.intended[CALL] == 1


async def test_a_person_says_that_it_was_done() -> None:
    _, _, journal = await run(pay())
    answer = {f"{CALL}/outcome.1": {"decision": "done", "result": "Receipt 7", "by": "eve"}}
    played, tools, kept = await run(pay(), journal=before_the_record(journal), decisions=answer)
    assert tools.calls == []
    output = kept.steps[CALL].output
    assert (output["content"], output["outcome"], output["is_error"]) == (
        "Receipt 7",
        "told",
        False,
    )
    assert played.result == "Paid."


async def test_an_answer_call_again_is_good_for_one_try() -> None:
    _, _, journal = await run(pay())
    answer = {f"{CALL}/outcome.1": {"decision": "again", "by": "eve"}}
    kept = before_the_record(journal)
    _, tools, after = await run(pay(), journal=kept, decisions=answer)
    assert tools.count("crm.pay") == 1
    assert after.intended[CALL] == 2
    # Killed once more before the record: the answer does not stand for the second try.
    played, tools, _ = await run(pay(), journal=before_the_record(after), decisions=answer)
    assert tools.calls == []
    assert [need.key for need in played.outcome.needs] == [f"{CALL}/outcome.2"]


@pytest.mark.parametrize("decision", ["fail", "timed_out"])
async def test_a_person_lets_the_agent_fail_and_a_resume_asks_anew(decision: str) -> None:
    _, _, journal = await run(pay())
    answer = {f"{CALL}/outcome.1": {"decision": decision, "by": "eve"}}
    kept = before_the_record(journal)
    played, tools, kept = await run(pay(), journal=kept, decisions=answer)
    assert played.outcome.status == "failed"
    assert "nobody knows if crm.pay was done" in played.error
    assert played.outcome.error is not None
    assert played.outcome.error.kind == "unknown_outcome"
    assert tools.calls == []
    # A resumed run takes such a decision over from none that it goes on from.
    again, _, _ = await run(pay(), journal=before_the_record(kept))
    assert [need.key for need in again.outcome.needs] == [f"{CALL}/outcome.1"]


async def test_the_tool_may_say_that_a_lost_call_is_made_again() -> None:
    _, _, journal = await run(pay(on_unknown_outcome="retry"))
    kept = before_the_record(journal)
    played, tools, kept = await run(pay(on_unknown_outcome="retry"), journal=kept)
    assert played.result == "Paid."
    assert tools.count("crm.pay") == 1
    assert kept.intended[CALL] == 2


async def test_the_tool_may_say_that_a_lost_call_fails_the_agent() -> None:
    _, _, journal = await run(pay(on_unknown_outcome="fail"))
    played, tools, _ = await run(pay(on_unknown_outcome="fail"), journal=before_the_record(journal))
    assert played.outcome.status == "failed"
    assert tools.calls == []


async def test_a_call_that_broke_off_after_it_was_sent_falls_under_the_same_rule() -> None:
    played, tools, _ = await run(pay(), [LOST])
    assert played.outcome.status == "waiting"
    assert tools.count("crm.pay") == 1
    played, tools, journal = await run(pay(on_unknown_outcome="retry"), [LOST, "Paid 5 EUR."])
    assert played.result == "Paid."
    assert (tools.count("crm.pay"), journal.steps[CALL].tries) == (2, 2)
    played, tools, journal = await run(pay("read"), [LOST, LOST, "Paid 5 EUR."])
    assert (tools.count("crm.pay"), played.result) == (3, "Paid.")
    assert [one.message for one in journal.steps[CALL].failures] == ["The connection broke."] * 2


async def test_a_call_that_was_never_sent_may_be_repeated() -> None:
    refused = ToolCallError("Nothing listens there.", was_sent=False)
    played, tools, journal = await run(pay(), [refused, "Paid 5 EUR."])
    assert played.result == "Paid."
    assert tools.count("crm.pay") == 2
    assert journal.steps[CALL].output["outcome"] == "done"


async def test_calls_that_are_taken_up_together_find_all_tools() -> None:
    twice = {"answer": calls(("crm.pay", {"eur": 5}), ("crm.pay", {"eur": 6})), "answer.2": "Paid."}
    tools, journal = FakeTools((pay("read"),)), MemoryJournal()
    await play(DOCUMENT, twice, tools=tools, journal=journal)
    kept = MemoryJournal({KEY: journal.steps[KEY]})
    await play(DOCUMENT, twice, tools=tools, journal=kept)
    assert tools.count("crm.pay") == 4
