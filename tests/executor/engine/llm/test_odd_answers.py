"""Answers that are nearly of the protocol are read, or are the server's fault."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.openai_protocol import take
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.reply import Reply
from executor.engine.llm.server_errors import AnswerUnreadable, ServerRefused
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.executor.engine.stage import play
from tests.graphs import agent, asking, design
from tests.model_server import ModelServer, replies, says

WHOLE: dict[str, Any] = {
    "id": "x", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Fine."}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
}  # fmt: skip
PLACES: list[tuple[str | int, ...]] = [
    (), ("id",), ("object",), ("created",), ("model",), ("choices",), ("choices", 0),
    ("choices", 0, "index"), ("choices", 0, "message"), ("choices", 0, "message", "role"),
    ("choices", 0, "message", "content"), ("choices", 0, "finish_reason"), ("usage",),
    ("usage", "prompt_tokens"), ("usage", "completion_tokens"), ("usage", "total_tokens"),
]  # fmt: skip
GONE = object()
VALUES: list[Any] = [
    GONE, None, "", "text", [], {}, [None], 0, 7, -1, 1.5, True, 10**30, 1743292800513000,
    [[]], {"a": 1}, ["x"],
]  # fmt: skip
# Where anything may stand, and the answer is read all the same.
NOT_NEEDED = {
    place for place in PLACES
    if place[:1] not in ((), ("choices",)) or place[-1:] == ("role",)
}  # fmt: skip


def changed(place: tuple[str | int, ...], value: Any) -> Any:
    if not place:
        return None if value is GONE else value
    whole = copy.deepcopy(WHOLE)
    inner: Any = whole
    for step in place[:-1]:
        inner = inner[step]
    if value is GONE:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return whole


FAULTS = (ErrorKind.TRANSIENT, ErrorKind.CONTENT)


async def ask(model: ProviderModel, *, watched: bool) -> str:
    """The answer's text, or the class of the error."""
    try:
        answer = await model.complete(asking_for(), (lambda _: None) if watched else None)
    except ModelError as error:
        return error.kind
    return answer.text


@pytest.mark.parametrize("watched", [False, True])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: "/".join(map(str, place)))
async def test_every_change_of_an_answer_is_read_or_the_servers_fault(
    server: ModelServer, place: tuple[str | int, ...], watched: bool
) -> None:
    model = model_at(server, "openai_compatible")
    for value in VALUES:
        server.then(replies(changed(place, value)))
        if place in NOT_NEEDED:
            assert (await ask(model, watched=watched)) == "Fine.", value
        else:
            assert await ask(model, watched=watched) in ("Fine.", "text", "x", *FAULTS)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"total_tokens": 30}, (0, 0, False)),
        ({"prompt_tokens": 10, "total_tokens": 30}, (10, 20, True)),
        ({"prompt_tokens": 10}, (10, 0, False)),
        ({"prompt_tokens": "10", "completion_tokens": 5}, (10, 5, True)),
        ({"prompt_tokens": "ten", "completion_tokens": 5}, (0, 5, False)),
        ({"prompt_tokens": 10.0, "completion_tokens": 5.0}, (10, 5, True)),
        ({"prompt_tokens": -1, "completion_tokens": 10**30}, (0, 0, False)),
        ({"input_tokens": 4, "output_tokens": 2}, (4, 2, True)),
        ({"prompt_tokens": 3, "completion_tokens": 0}, (3, 0, True)),
        (None, (0, 0, False)),
        (7, (0, 0, False)),
    ],
)
async def test_tokens_that_are_not_told_are_not_needed(
    server: ModelServer, usage: Any, tokens: tuple[int, int, bool]
) -> None:
    server.then(replies({**WHOLE, "usage": usage}))
    answer = await model_at(server, "openai_compatible").complete(asking_for())
    assert answer.text == "Fine."
    assert (answer.input_tokens, answer.output_tokens, answer.has_usage) == tokens


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    ["choices", "message", "delta", "content", "error", "usage", "tool_calls",
                     "function", "name", "refusal", "finish_reason", "text", "type", "index"]
                ),
                inner, max_size=4,
            ),
        ),
        max_leaves=12,
    )
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_value_makes_the_reader_stumble(value: Any) -> None:
    reply = Reply()
    try:
        take(reply, value)
        reply.end()
    except (AnswerUnreadable, ServerRefused):
        return
    assert isinstance(reply.text, str)


EMPTY = replies({**WHOLE, "choices": []})


async def test_an_odd_answer_is_tried_again_and_the_next_model_asked(server: ModelServer) -> None:
    class Two:
        def __init__(self) -> None:
            self.models = {name: model_at(server, "openai_compatible") for name in ("x:a", "x:b")}

        def resolve(self, name: str) -> ProviderModel:
            return self.models[name]

    server.then(EMPTY, EMPTY, EMPTY, says("Other."))
    raw = {**design([asking("a")]), "model": ["x:a", "x:b"]}
    played = await play(raw, models=Two())
    assert played.result == "Other."
    assert len(server.calls) == 4


async def test_a_member_with_an_odd_answer_is_a_lost_member(server: ModelServer) -> None:
    class One:
        def resolve(self, name: str) -> ProviderModel:
            return model

    model = model_at(server, "openai_compatible")

    def by_prompt(exchange: Any) -> None:
        is_odd = "Odd." in exchange.call.body["messages"][0]["content"]
        (EMPTY if is_odd else says("Fine."))(exchange)

    server.usual = by_prompt
    members = [agent("odd", system_prompt="Odd."), agent("good", system_prompt="Good.")]
    block = asking("a", *members, kind="parallel", retries=0)
    block["settings"] = {**block.get("settings", {}), "require": 1}
    played = await play(design([block]), models=One())
    assert played.outcome.status == "completed"
    assert played.outcome.degraded
