"""The samples run against a server that speaks a provider's protocol, by the production clients."""

from __future__ import annotations

import json
from typing import Any

import pytest

from designs.patterns.base import Part
from designs.patterns.catalogue import check_document
from designs.sample_files import Sample, load_samples
from executor.engine.context import Setup
from executor.engine.llm.base import Model, ModelRequest
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.invention import invent
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.providers import ProviderModel
from executor.engine.runner import compile_graph, run_graph
from tests.approving import NO_TIME, Everybody
from tests.memory_journal import MemoryJournal
from tests.model_server import Exchange, ModelServer, model_server, says
from tests.offered_tools import AnyTools

NAME = "openai:gpt-5-mini"


def answer(exchange: Exchange) -> None:
    """A value that fits the schema that was asked for, of the prompt's words; else a sentence."""
    body = exchange.call.body
    wanted = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if wanted is None:
        return says("A short sentence about the task.")(exchange)
    system = body["messages"][0]["content"]
    parts = (Part("Task", exchange.call.prompt), Part("Draft", exchange.call.prompt))
    value = invent(wanted, ModelRequest("call", system, parts, "answer", "worker"))
    return says(json.dumps(value))(exchange)


class AtServer:
    """Every name is the one model at the server."""

    def __init__(self, server: ModelServer) -> None:
        endpoint = Endpoint("openai", "gpt-5-mini", server.url, "sk-test")
        self.model = ProviderModel(NAME, endpoint, ModelOptions(priced=True))

    def resolve(self, name: str) -> Model:
        return self.model


@pytest.mark.parametrize("sample", load_samples(), ids=lambda sample: sample.slug)
async def test_a_sample_completes_with_tokens_and_cost(sample: Sample) -> None:
    graph = check_document(sample.document).graph
    assert graph is not None
    facts: dict[str, Any] = {"id": "run", "trigger": "api", "started_at": "2026-01-01T00:00:00Z"}
    with model_server() as server:
        server.usual = answer
        models, journal = AtServer(server), MemoryJournal()
        setup = Setup(
            "run",
            facts,
            models,
            (NAME,),
            journal,
            lambda event: None,
            timing=NO_TIME,
            decisions=Everybody(cost_centre="17"),
            tools=AnyTools(),
        )
        outcome = await run_graph(compile_graph(graph), sample.input_example, setup)
        await models.model.close()

    assert outcome.status == "completed", outcome.error
    assert outcome.usage.model_calls == len(server.calls)
    asked = [step for step in journal.steps.values() if step.model]
    assert {step.model for step in asked} <= {NAME}
    if asked:
        assert outcome.usage.input_tokens > 0
        assert outcome.usage.cost_usd is not None
    else:
        assert sample.slug == "data-pipeline"
