"""Tool calls as rows: steps in order, intents before calls, requests to people, and a resume."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.tools import ToolCallError
from executor.models import DecisionRequest, Execution, Status, Step, ToolIntent
from tests.deciding import cast
from tests.executor.tool_runs import ToolRuns
from tests.fake_tools import FakeTools, tool
from tests.scripted import calls

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "main/ana/1/answer"
SEARCH, PAY = tool("crm.search"), tool("crm.pay", "once")
SCRIPT = {
    "answer": calls(("crm.search", {"q": "Ada"}), ("crm.search", {"q": "Bob"}), text="I look."),
    "answer.2": calls(("crm.pay", {"eur": 5})),
    "answer.3": "Paid.",
}
BROKEN = ModelError(ErrorKind.REQUEST, "it refuses.")


def answer_of(response: Any) -> Any:
    assert response.status_code == 200, response.json()
    return response.json()


def test_steps_of_tools_are_rows_with_arguments_and_results(
    tool_runs: ToolRuns, designer: User, api_of: Any
) -> None:
    run = tool_runs.start(SCRIPT, FakeTools((SEARCH, PAY)))
    assert (run.status, run.result_data, run.tool_calls) == (Status.COMPLETED, "Paid.", 3)
    steps = list(run.steps.order_by("pk"))
    assert [(step.key.removeprefix(KEY), step.tool) for step in steps] == [
        ("", None), ("/tool.1", "crm.search"), ("/tool.2", "crm.search"),
        (".2", None), (".2/tool.1", "crm.pay"), (".3", None),
    ]  # fmt: skip
    assert steps[0].calls == [
        {"id": "c0", "name": "crm.search", "arguments": {"q": "Ada"}},
        {"id": "c1", "name": "crm.search", "arguments": {"q": "Bob"}},
    ]
    assert (steps[1].prompt, steps[1].model, steps[1].purpose) == ({"q": "Ada"}, "", "tool")
    assert steps[1].output["content"] == "crm.search is done."
    assert list(ToolIntent.objects.values_list("key", "number", "tool")) == [
        (f"{KEY}.2/tool.1", 1, "crm.pay")
    ]
    api: APIClient = api_of(designer)
    shown = answer_of(api.get(f"/api/executions/{run.pk}"))
    assert shown["usage"]["tool_calls"] == 3
    assert shown["usage"]["model_calls"] == 3
    first, call = shown["steps"][:2]
    assert (first["tool"], first["arguments"], first["is_error"]) == (None, None, None)
    assert first["calls"][0] == {"id": "c0", "name": "crm.search", "arguments": {"q": "Ada"}}
    assert (call["tool"], call["arguments"], call["is_error"], call["calls"]) == (
        "crm.search", {"q": "Ada"}, False, None,
    )  # fmt: skip
    assert call["output"]["outcome"] == "done"


def test_who_may_not_see_payloads_sees_the_tools_and_no_arguments(
    tool_runs: ToolRuns, viewer: User, api_of: Any
) -> None:
    run = tool_runs.start(SCRIPT, FakeTools((SEARCH, PAY)))
    api: APIClient = api_of(viewer)
    response = api.get(f"/api/executions/{run.pk}")
    steps = answer_of(response)["steps"]
    assert "Ada" not in response.content.decode()
    assert [step["tool"] for step in steps] == [
        None, "crm.search", "crm.search", None, "crm.pay", None,
    ]  # fmt: skip
    assert {str(step["arguments"]) for step in steps} == {"None"}
    assert {str(step["calls"]) for step in steps} == {"None"}
    assert steps[1]["is_error"] is False


def test_a_run_without_tools_has_none(tool_runs: ToolRuns) -> None:
    run = tool_runs.start({"answer": "Hello."}, FakeTools((SEARCH,)))
    assert run.tool_calls is None
    assert not Step.objects.exclude(tool=None).exists()
    assert not ToolIntent.objects.exists()


def test_a_resumed_run_keeps_keys_and_makes_no_recorded_call_again(
    tool_runs: ToolRuns, designer: User, api_of: Any
) -> None:
    tools = FakeTools((SEARCH, PAY), {"crm.pay": "Paid."})
    failed = tool_runs.start({**SCRIPT, "answer.3": BROKEN}, tools)
    assert (failed.status, failed.tool_calls) == (Status.FAILED, 3)
    again = FakeTools((SEARCH, PAY))
    model = tool_runs.play(
        {"answer.3": calls(("crm.search", {"q": "Eve"})), "answer.4": "x"}, again
    )
    new = tool_runs.perform(resumed(api_of(designer), failed))
    assert (new.status, new.result_data) == (Status.COMPLETED, "x")
    assert model.calls == [f"{KEY}.3", f"{KEY}.4"]
    assert [call.key for call in again.calls] == [f"{failed.pk}:{KEY}.3/tool.1"]
    assert (new.tool_calls, new.model_calls) == (1, 2)


def test_a_lost_call_asks_a_person_who_says_what_came_of_it(
    tool_runs: ToolRuns, administrator: User
) -> None:
    lost = ToolCallError("The connection broke.", was_sent=True)
    tools = FakeTools((SEARCH, PAY), {"crm.pay": [lost]})
    waiting = tool_runs.start(SCRIPT, tools)
    assert (waiting.status, waiting.tool_calls) == (Status.WAITING, 3)
    asked = DecisionRequest.objects.get()
    assert (asked.kind, asked.tool, asked.agent_id) == ("unknown_outcome", "crm.pay", "ana")
    cast(asked, administrator, "done", reason="The bank shows it.", result={"receipt": 7})
    done = tool_runs.perform(waiting)
    assert (done.status, done.result_data) == (Status.COMPLETED, "Paid.")
    assert tools.count("crm.pay") == 1
    step = done.steps.get(tool="crm.pay")
    assert (step.output["content"], step.output["outcome"]) == ('{"receipt":7}', "told")


def test_a_call_again_is_one_more_intent(tool_runs: ToolRuns, administrator: User) -> None:
    lost = ToolCallError("The connection broke.", was_sent=True)
    tools = FakeTools((SEARCH, PAY), {"crm.pay": [lost, "Paid."]})
    waiting = tool_runs.start(SCRIPT, tools)
    cast(DecisionRequest.objects.get(), administrator, "again", reason="Nothing there.")
    done = tool_runs.perform(waiting)
    assert done.status == Status.COMPLETED
    assert tools.count("crm.pay") == 2
    assert list(ToolIntent.objects.values_list("number", flat=True)) == [1, 2]


def test_an_approved_call_is_made_after_the_vote(tool_runs: ToolRuns, administrator: User) -> None:
    strict = tool("crm.pay", "once", approval="always")
    tools = FakeTools((SEARCH, strict))
    waiting = tool_runs.start(SCRIPT, tools)
    assert waiting.status == Status.WAITING
    asked = DecisionRequest.objects.get()
    assert (asked.kind, asked.shown["arguments"]) == ("tool_call", {"eur": 5})
    assert len(asked.digest) == 64
    cast(asked, administrator)
    done = tool_runs.perform(waiting)
    assert (done.result_data, tools.count("crm.pay")) == ("Paid.", 1)


def resumed(api: APIClient, execution: Execution) -> Execution:
    answer = api.post(f"/api/executions/{execution.pk}/resume", {}, format="json")
    assert answer.status_code == 202, answer.json()
    return Execution.objects.get(pk=answer.json()["log_id"])
