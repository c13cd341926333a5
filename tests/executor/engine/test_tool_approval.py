"""Calls that a person approves: before each, or once an untrusted tool has answered."""

from __future__ import annotations

from typing import Any

from executor.engine.tools import OfferedTool
from tests.fake_tools import FakeTools, tool
from tests.memory_journal import MemoryJournal
from tests.scripted import Played, agent, block, calls, design, play

KEY = "main/ana/1/answer"
PAY = tool("crm.pay", "once", approval="always", approval_group="finance")
READ = tool("web.read", untrusted=True)
SAFE = tool("wiki.read", untrusted=False)
BOTH = {"answer": calls(("crm.pay", {"eur": 5}), ("web.read", {})), "answer.2": "Done."}


async def run(
    script: Any, *offered: OfferedTool, journal: MemoryJournal | None = None, **more: Any
) -> tuple[Played, FakeTools, MemoryJournal]:
    tools, journal = FakeTools(offered), journal or MemoryJournal()
    named = more.pop("named", [one.name for one in offered])
    document = design(block("sequential", agent("ana", tools=named)))
    return await play(document, script, tools=tools, journal=journal, **more), tools, journal


def only_need(played: Played) -> Any:
    assert played.outcome.status == "waiting"
    (need,) = played.outcome.needs
    return need


async def test_the_other_calls_of_the_turn_go_on_while_one_waits() -> None:
    played, tools, journal = await run(BOTH, PAY, READ)
    need = only_need(played)
    assert need.kind == "tool_call"
    assert need.key.startswith(f"{KEY}/tool.1#")
    assert need.request["group"] == "finance"
    assert need.request["shown"]["arguments"] == {"eur": 5}
    assert len(need.request["digest"]) == 64
    assert [call.name for call in tools.calls] == ["web.read"]
    assert f"{KEY}/tool.2" in journal.steps


async def test_an_approved_call_is_made_once_and_nothing_else_again() -> None:
    waiting, _, journal = await run(BOTH, PAY, READ)
    yes = {only_need(waiting).key: {"decision": "approved", "by": "eve"}}
    played, tools, _ = await run(BOTH, PAY, READ, journal=journal, decisions=yes)
    assert played.result == "Done."
    assert [call.name for call in tools.calls] == ["crm.pay"]
    assert played.model.calls == [f"{KEY}.2"]


async def test_a_refused_call_is_not_made_and_the_model_reads_the_reason() -> None:
    waiting, _, journal = await run(BOTH, PAY, READ)
    votes = [{"user": "eve", "verdict": "reject", "reason": "Too much."}]
    no = {only_need(waiting).key: {"decision": "rejected", "by": "eve", "votes": votes}}
    played, tools, journal = await run(BOTH, PAY, READ, journal=journal, decisions=no)
    assert tools.calls == []
    output = journal.steps[f"{KEY}/tool.1"].output
    assert (output["content"], output["outcome"]) == (
        "A person refused this call: Too much.", "refused",
    )  # fmt: skip
    assert played.result == "Done."


async def test_a_call_that_nobody_approved_in_time_counts_as_refused() -> None:
    waiting, _, journal = await run(BOTH, PAY, READ)
    late = {only_need(waiting).key: {"decision": "timed_out", "by": None}}
    _, tools, journal = await run(BOTH, PAY, READ, journal=journal, decisions=late)
    assert tools.calls == []
    assert journal.steps[f"{KEY}/tool.1"].output["content"] == (
        "Nobody approved this call in time."
    )


async def test_an_approval_is_for_these_arguments_alone() -> None:
    waiting, _, _ = await run(BOTH, PAY, READ)
    yes = {only_need(waiting).key: {"decision": "approved", "by": "eve"}}
    other = {"answer": calls(("crm.pay", {"eur": 5_000})), "answer.2": "Done."}
    played, tools, _ = await run(other, PAY, READ, decisions=yes)
    assert only_need(played).key not in yes
    assert tools.calls == []


async def test_several_calls_may_wait_at_once() -> None:
    made = [("crm.pay", {"eur": number}) for number in range(3)]
    played, _, _ = await run({"answer": calls(*made)}, PAY)
    assert len({need.key for need in played.outcome.needs}) == 3


async def test_a_design_may_be_stricter_than_the_tool_and_never_laxer() -> None:
    strict = [{"name": "wiki.read", "approval": "always"}]
    played, tools, _ = await run({"answer": calls(("wiki.read", {}))}, SAFE, named=strict)
    assert only_need(played).request["tool"] == "wiki.read"
    lax = [{"name": "crm.pay", "approval": "after_untrusted"}]
    played, tools, _ = await run({"answer": calls(("crm.pay", {}))}, PAY, named=lax)
    assert only_need(played).request["tool"] == "crm.pay"
    assert tools.calls == []


async def test_after_an_untrusted_answer_a_call_needs_approval() -> None:
    mail = tool("crm.mail", "once", approval="after_untrusted")
    script = {"answer": calls(("web.read", {})), "answer.2": calls(("crm.mail", {}))}
    played, tools, _ = await run(script, READ, mail)
    assert only_need(played).key.startswith(f"{KEY}.2/tool.1#")
    assert tools.count("crm.mail") == 0


async def test_what_was_asked_for_before_the_answer_was_read_needs_none() -> None:
    mail = tool("crm.mail", "once", approval="after_untrusted")
    script = {
        "answer": calls(("wiki.read", {})),
        "answer.2": calls(("web.read", {}), ("crm.mail", {})),
        "answer.3": "Done.",
    }
    played, tools, _ = await run(script, READ, SAFE, mail)
    assert played.result == "Done."
    assert tools.count("crm.mail") == 1
