"""The page of a run whose agents call tools: calls under their answers, as text from outside."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executor.engine.tools import ToolCallError
from executor.models import DecisionRequest, Execution
from tests.executor.tool_runs import ToolRuns
from tests.fake_tools import FakeTools, tool
from tests.scripted import calls

pytestmark = pytest.mark.django_db(transaction=True)

EVIL = "<script>alert(1)</script> {{ 7 }}"
SCRIPT = {
    "answer": calls(("crm.search", {"q": "Ada"}), ("crm.search", {"q": "Bob"}), text="I look."),
    "answer.2": calls(("crm.pay", {"eur": 5})),
    "answer.3": "Paid.",
}


def page(client: Client, run: Execution) -> str:
    answer = client.get(reverse("executor:execution-detail", args=[run.pk]))
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def tools() -> FakeTools:
    return FakeTools((tool("crm.search"), tool("crm.pay", "once")), {"crm.search": EVIL})


def test_calls_stand_under_their_answer_with_effect_arguments_and_result(
    tool_runs: ToolRuns, tools: FakeTools, designer: User, browser_of: Any
) -> None:
    run = tool_runs.start(SCRIPT, tools)
    text = page(browser_of(designer), run)
    order = ["I look.", "Ada", "Bob", "Must not happen twice", "Paid."]
    conversation = text[text.index('id="run-details"') :]
    places = [conversation.index(word) for word in order]
    assert places == sorted(places)
    assert "from outside" in conversation
    assert "Only reads" in conversation
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 }}" in conversation
    assert "Tool calls" in text
    line = text[text.index('id="run-timeline"') : text.index('id="run-details"')]
    assert line.count('class="step tool') == 3


def test_a_call_that_waits_for_people_leads_to_its_request(
    tool_runs: ToolRuns, tools: FakeTools, administrator: User, browser_of: Any
) -> None:
    lost = ToolCallError("The connection broke.", was_sent=True)
    tools.does = {"crm.pay": [lost]}
    run = tool_runs.start(SCRIPT, tools)
    request = DecisionRequest.objects.get()
    text = page(browser_of(administrator), run)
    assert "outcome unknown" in text
    assert "Say what came of it" in text
    assert reverse("executor:request-detail", args=[request.pk]) in text


def test_without_the_right_only_names_are_shown(
    tool_runs: ToolRuns, tools: FakeTools, viewer: User, browser_of: Any
) -> None:
    text = page(browser_of(viewer), tool_runs.start(SCRIPT, tools))
    assert "crm.search" in text
    assert "Ada" not in text
    assert "alert(1)" not in text


def test_more_calls_take_no_more_queries(
    tool_runs: ToolRuns, tools: FakeTools, designer: User, browser_of: Any
) -> None:
    client = browser_of(designer)
    few = tool_runs.start({"answer": calls(("crm.search", {"n": 0})), "answer.2": "x"}, tools)
    made = [("crm.search", {"n": number}) for number in range(9)]
    many = tool_runs.start({"answer": calls(*made), "answer.2": "x"}, tools)
    page(client, few)
    with CaptureQueriesContext(connection) as first:
        page(client, few)
    with CaptureQueriesContext(connection) as second:
        page(client, many)
    assert len(second) == len(first)
