"""Whole runs at a real server: retries, fallbacks, corrections, streams, tokens and cost."""

from __future__ import annotations

from typing import Any

import pytest

from executor.engine.events import StepFailed, TextDelta
from executor.engine.limits import Limits
from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.providers import ProviderModel
from tests.executor.engine.llm.conftest import KEY, model_at
from tests.executor.engine.stage import Played, play
from tests.graphs import agent, asking, chain, design, transform
from tests.model_server import ModelServer, fails, gives, says

CHAIN = ["openai:gpt-5-mini", "anthropic:claude-sonnet-5-5"]
LOW = "Your credit balance is too low to access the Anthropic API."


class AtServer:
    """Models of two protocols, all at one server."""

    def __init__(self, server: ModelServer) -> None:
        self.models = {
            model.name: model
            for protocol in ("openai", "anthropic", "ollama")
            for model in [model_at(server, protocol)]
        }

    def resolve(self, name: str) -> ProviderModel:
        if name not in self.models:
            raise ModelError(ErrorKind.UNAVAILABLE, f"There is no model '{name}'.")
        return self.models[name]


async def run(server: ModelServer, raw: dict[str, Any], **more: Any) -> Played:
    usual = {"models": AtServer(server), "default_models": ("openai:gpt-5-mini",)}
    played = await play(raw, **{**usual, **more})
    assert KEY not in repr(played.outcome)
    assert KEY not in repr(played.events)
    return played


def one(**more: Any) -> dict[str, Any]:
    return design([asking("a", **more)])


def chained() -> dict[str, Any]:
    return design([asking("a", agent("w", model=CHAIN))])


def asked(server: ModelServer) -> list[str]:
    return [call.body["model"] for call in server.calls]


async def test_three_blocks_hand_on_what_the_server_said(server: ModelServer) -> None:
    server.then(says("Facts.", tokens=(100, 10)), says("A poem.", tokens=(200, 20)))
    raw = design(
        [asking("a"), asking("b"), transform("c", "{poem: incoming}")], chain("a", "b", "c")
    )
    played = await run(server, raw)
    assert played.result == {"poem": "A poem."}
    assert server.calls[1].prompt == "Task:\nDo b.\n\nFrom a:\nFacts."
    usage = played.outcome.usage
    assert (usage.model_calls, usage.input_tokens, usage.output_tokens) == (2, 300, 30)
    assert usage.cost_usd == pytest.approx((300 * 0.25 + 30 * 2) / 1_000_000)


async def test_overload_is_waited_out_as_the_server_asks(server: ModelServer) -> None:
    server.then(
        fails(429, code="rate_limit_error", Retry_After="7"), fails(529, "x", "overloaded_error"),
        fails(503, Retry_After="3"), says("At last."),
    )  # fmt: skip
    played = await run(server, one())
    assert played.result == "At last."
    assert played.waits == [7, 0.5, 3]
    kinds = [event.error.kind for event in played.events if isinstance(event, StepFailed)]
    assert kinds == ["rate_limit", "transient", "transient"]
    assert played.outcome.usage.model_calls == 4


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "context_length_exceeded", "request"),
        (401, "invalid_api_key", "credential"),
        (429, "insufficient_quota", "quota"),
        (404, "model_not_found", "request"),
    ],
)
async def test_what_would_fail_again_is_not_tried_again(
    server: ModelServer, status: int, code: str, kind: str
) -> None:
    server.then(fails(status, f"Refused {KEY}", code))
    played = await run(server, one(label="Writer"))
    assert played.error[0] == kind
    assert played.error[1].startswith(
        "Block 'Writer': agent 'writer' got no answer: openai:gpt-5-mini: the "
    )
    assert len(server.calls) == 1


async def test_a_broken_stream_is_asked_for_again_as_a_whole_and_counted(
    server: ModelServer,
) -> None:
    server.then(says("one two three", events=3), says("one two three", tokens=(10, 5)))
    played = await run(server, one(retries=0), stream=lambda: True)
    assert played.result == "one two three"
    texts = [event.text for event in played.events if isinstance(event, TextDelta)]
    assert texts == ["one ", "two ", "one two three"]
    assert [call.body.get("stream", False) for call in server.calls] == [True, False]
    assert played.waits == []
    assert played.outcome.usage.model_calls == 2


async def test_deltas_of_several_agents_are_told_apart(server: ModelServer) -> None:
    raw = design([asking("a", "x", "y", kind="parallel")])
    server.usual = says("one two")
    played = await run(server, raw, stream=lambda: True)
    for who in "xy":
        texts = [e.text for e in played.events if isinstance(e, TextDelta) and e.agent_id == who]
        assert texts == ["one ", "two"]


async def test_the_fallback_is_another_provider(server: ModelServer) -> None:
    server.then(*[fails(503)] * 3, says("From the other.", tokens=(10, 5)))
    played = await run(server, chained())
    assert played.result == "From the other."
    assert asked(server) == ["gpt-5-mini"] * 3 + ["claude-sonnet-5-5"]
    assert [call.path for call in server.calls][-1].endswith("/messages")
    (step,) = played.journal.steps.values()  # type: ignore[attr-defined]
    assert (step.model, step.tries) == (CHAIN[1], 4)
    assert played.outcome.degraded == ()


async def test_a_spent_account_goes_to_the_fallback_at_once(server: ModelServer) -> None:
    server.then(fails(429, "Quota", "insufficient_quota"), says("Paid by the other."))
    played = await run(server, chained())
    assert played.result == "Paid by the other."
    assert played.waits == []


async def test_both_models_fail(server: ModelServer) -> None:
    server.then(fails(401), fails(400, LOW, "invalid_request_error"))
    kind, message = (await run(server, chained())).error
    assert kind == "quota"
    assert f"{CHAIN[1]}: the account has no credit left" in message


async def test_an_empty_answer_is_corrected_once(server: ModelServer) -> None:
    server.then(says("", tokens=(10, 1)), says("Better."))
    played = await run(server, one())
    assert played.result == "Better."
    assert (
        "Your last answer does not fit: the answer of openai:gpt-5-mini is empty. Answer again."
        in server.calls[1].prompt
    )
    server.then(says(""), says(" \n"))
    assert (await run(server, one())).error[0] == "content"


async def test_bad_json_for_a_schema_is_corrected_with_the_reason(server: ModelServer) -> None:
    router = agent("router", "moderator")
    raw = design([asking("r", router, agent("billing"), agent("sales"), kind="routing")])
    server.then(says("To billing!", tokens=(50, 5)), gives({"reason": "x", "routes": ["spam"]}))
    server.usual = says("Done.")
    played = await run(server, raw)
    corrected = server.calls[1].prompt
    assert "Your last answer:\nTo billing!" in corrected
    assert 'could not be read as JSON (it begins with "To billing!")' in corrected
    assert "Answer again. Give only JSON that fits: no fence, no other words." in corrected
    # It is never guessed from what was said.
    assert played.outcome.status == "failed"
    assert "billing" in played.error[1]


async def test_limits_count_what_the_server_says(server: ModelServer) -> None:
    server.usual = says("x", tokens=(1_000_000, 0))
    raw = design([asking("a"), asking("b")], chain("a", "b"))
    played = await run(server, raw, limits=Limits(cost_usd=0.2))
    assert played.error[0] == "limit"
    assert len(server.calls) == 1
    played = await run(server, raw, limits=Limits(tokens=1_500_000))
    assert played.error == ("limit", "2000000 tokens were used; the limit is 1500000.")


async def test_a_replayed_run_calls_no_server(server: ModelServer) -> None:
    raw = design([asking("a"), asking("b")], chain("a", "b"))
    first = await run(server, raw)
    again = await run(server, raw, journal=first.journal)
    assert again.outcome == first.outcome
    assert len(server.calls) == 2
