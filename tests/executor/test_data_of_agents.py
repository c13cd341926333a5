"""Answers as data in the rows: one block alone takes them, and a resumed run keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.engine.llm import offline
from executor.engine.llm.base import ErrorKind, ModelError
from executor.models import Execution
from executor.services import resume_execution, try_design
from tests.graphs import agent, asking, design, link, transform
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "total": {"type": "integer", "minimum": 7}},
    "required": ["title", "total"],
    "additionalProperties": False,
}
READER = agent("reader", output_schema=FORM)


@pytest.fixture
def drawn(db: None) -> Design:
    raw = design(
        [asking("read", READER, "second", kind="parallel"),
         transform("twice", "incoming.total * 2"), asking("write")],
        [link("read", "twice", source_agent="reader"), link("read", "write")],
        output="{twice: blocks.twice.output, read: blocks.read.output.reader}",
    )  # fmt: skip
    return create_design(document=raw, caller=SYSTEM)


def performed(execution: Execution) -> Execution:
    future = perform_execution(execution.pk)
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=execution.pk)


def test_one_block_alone_takes_the_data_from_a_past_run(drawn: Design) -> None:
    whole = performed(try_design(design=drawn, input_data={}, caller=SYSTEM))
    read = whole.result_data["read"]
    assert whole.result_data["twice"] == 2 * read["total"]
    step = whole.steps.get(agent_id="reader")
    assert step.output == read
    only = try_design(
        design=drawn, input_data={}, caller=SYSTEM, only="twice", from_execution=whole.public_id
    )
    assert performed(only).result_data == 2 * read["total"]


def test_a_resumed_run_keeps_the_data(drawn: Design, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    original = offline.StandIn.complete

    async def complete(self: Any, request: Any, on_delta: Any = None) -> Any:
        asked.append(request.call_key.partition(":")[2])
        if len(asked) <= 5 and "write/" in request.call_key:
            request.on_sent()
            raise ModelError(ErrorKind.CREDENTIAL, "the key is wrong.")
        return await original(self, request, on_delta)

    monkeypatch.setattr(offline.StandIn, "complete", complete)
    failed = performed(try_design(design=drawn, input_data={}, caller=SYSTEM))
    assert failed.status == "failed"
    before = failed.steps.get(agent_id="reader").output
    asked[:] = ["gone"] * 6
    resumed = performed(resume_execution(execution=failed, caller=SYSTEM))
    assert resumed.status == "completed", resumed.error
    assert resumed.result_data["read"] == before
    assert {key.partition("/")[0] for key in asked[6:]} == {"write"}
