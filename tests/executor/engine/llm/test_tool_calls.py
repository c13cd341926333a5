"""Models that call tools, in the protocols of three providers: what is sent, and what is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executor.engine.llm.base import ErrorKind, ModelAnswer, ModelError
from executor.engine.llm.clients import Endpoint
from executor.engine.llm.options import ModelOptions
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.tool_use import ToolCall, ToolSpec, ToolUse, Turn
from tests.executor.engine.llm.conftest import KEY, _made, asking_for
from tests.model_server import ModelServer, gives, says
from tests.tool_server import calls_tools

OBJECT = {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}
SEARCH = ToolSpec("crm.search", "crm__search", "Finds customers.", OBJECT)
MAIL = ToolSpec("crm.mail", "crm__mail", "Sends a mail.", {"type": "object"}, "once")
VERDICT = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
MODELS = {
    "openai": "gpt-5-mini", "openai_compatible": "small", "ollama": "small",
    "anthropic": "claude-sonnet-5-5", "google": "gemini-2.5-flash",
}  # fmt: skip
every_protocol = pytest.mark.parametrize("protocol", list(MODELS))


def at(server: ModelServer, protocol: Any, **options: Any) -> ProviderModel:
    name = MODELS[protocol]
    url = server.anthropic_url if protocol in ("anthropic", "google") else server.url
    endpoint = Endpoint(protocol, name, url, KEY)
    _made.append(ProviderModel(f"{protocol}:{name}", endpoint, ModelOptions(**options)))
    return _made[-1]


async def first(model: ProviderModel, *, watched: bool = False, **more: Any) -> ModelAnswer:
    """Its text is streamed as without tools, if somebody watches."""
    texts: list[str] = []
    request = asking_for(tool_use=ToolUse((SEARCH, MAIL)), **more)
    answer = await model.complete(request, texts.append if watched else None)
    assert "".join(texts).strip() == (answer.text.strip() if watched else "")
    return answer


def after(answer: ModelAnswer, *results: str, **more: Any) -> ToolUse:
    turn = Turn(answer.model, answer.text, answer.calls, [(r, False) for r in results], answer.said)
    return ToolUse((SEARCH, MAIL), (turn,), **more)


def told(server: ModelServer) -> str:
    """The last request as it was sent."""
    return json.dumps(server.calls[-1].body)


@pytest.mark.parametrize("watched", [False, True])
@every_protocol
async def test_calls_are_read_whole_and_streamed(
    server: ModelServer, protocol: str, watched: bool
) -> None:
    server.then(calls_tools(("crm__search", {"q": "Ada"}), ("crm__mail", {}), text="I look."))
    answer = await first(at(server, protocol), watched=watched)
    assert [(call.name, call.arguments) for call in answer.calls] == [
        ("crm.search", {"q": "Ada"}),
        ("crm.mail", {}),
    ]
    assert answer.text.strip() == "I look."
    assert (answer.input_tokens, answer.output_tokens) == (10, 5)
    assert all(word in told(server) for word in ("crm__search", "Finds customers.", '"q"'))


@every_protocol
async def test_results_go_back_in_order_to_the_calls_they_belong_to(
    server: ModelServer, protocol: str
) -> None:
    model = at(server, protocol)
    server.then(calls_tools(("crm__search", {"q": "Ada"}), ("crm__search", {"q": "Bob"})))
    server.then(says("Done."))
    answer = await first(model)
    use = after(answer, "Ada is 1.", "Bob is 2.")
    assert (await model.complete(asking_for(tool_use=use))).text == "Done."
    sent = told(server)
    places = [sent.index(word) for word in ("Say hello", "Ada is 1.", "Bob is 2.")]
    assert places == sorted(places)


@every_protocol
async def test_repeated_ids_are_replaced(server: ModelServer, protocol: str) -> None:
    model = at(server, protocol)
    calls = [("crm__search", {"q": "Ada"}), ("crm__search", {"q": "Bob"})]
    server.then(calls_tools(*calls, ids=["same", "same"]), says("Done."))
    answer = await first(model)
    assert [call.arguments["q"] for call in answer.calls] == ["Ada", "Bob"]
    use = after(answer, "x", "y")
    assert (await model.complete(asking_for(tool_use=use))).text == "Done."
    if protocol == "anthropic":
        assert '"same"' not in told(server)


@every_protocol
async def test_a_structured_answer_is_asked_for_as_one_more_tool(
    server: ModelServer, protocol: str
) -> None:
    server.then(calls_tools(("final_answer", {"ok": True})))
    answer = await first(at(server, protocol), schema=VERDICT)
    assert (answer.calls, answer.value) == ((), {"ok": True})
    sent = told(server)
    assert "final_answer" in sent
    assert "response_format" not in sent
    assert any(word in sent for word in ('"required"', '"any"', '"ANY"'))


async def test_a_structured_answer_that_is_only_said_counts_too(server: ModelServer) -> None:
    server.then(gives({"ok": False}))
    assert (await first(at(server, "openai"), schema=VERDICT)).value == {"ok": False}


async def test_one_that_does_not_fit_is_refused_with_the_reason(server: ModelServer) -> None:
    server.then(calls_tools(("final_answer", {"ok": "perhaps"})))
    with pytest.raises(ModelError) as caught:
        await first(at(server, "openai"), schema=VERDICT)
    assert caught.value.kind is ErrorKind.CONTENT
    assert caught.value.spent is not None
    assert "perhaps" in caught.value.spent.text


async def test_a_final_answer_beside_other_calls_is_one_of_the_calls(server: ModelServer) -> None:
    server.then(calls_tools(("crm__search", {"q": "x"}), ("final_answer", {"ok": True})))
    answer = await first(at(server, "openai"), schema=VERDICT)
    assert [call.name for call in answer.calls] == ["crm.search", "final_answer"]


@every_protocol
async def test_the_last_request_asks_for_an_answer_without_calls(
    server: ModelServer, protocol: str
) -> None:
    model = at(server, protocol)
    server.then(calls_tools(("crm__search", {"q": "Ada"})), says("As far as I know."))
    answer = await first(model)
    use = after(answer, "Ada is 1.", may_call=False, remarks=("No more calls.",))
    assert (await model.complete(asking_for(tool_use=use))).text == "As far as I know."
    sent = told(server)
    assert sent.index("No more calls.") > sent.index("Ada is 1.")
    if protocol == "anthropic":
        # It refuses a conversation with calls in a request without tools.
        assert server.calls[-1].body["tool_choice"] == {"type": "none"}
    elif protocol != "google":
        assert "tools" not in server.calls[-1].body


@pytest.mark.parametrize(
    ("protocol", "thought"),
    [("anthropic", "signature-of-thought"), ("openai_compatible", "I think so."),
     ("google", "c2lnbmF0dXJlLW9mLXRob3VnaHQ")],
)  # fmt: skip
@pytest.mark.parametrize("watched", [False, True])
async def test_thoughts_go_back_to_the_model_that_had_them_and_to_no_other(
    server: ModelServer, protocol: str, thought: str, watched: bool
) -> None:
    model = at(server, protocol)
    server.then(
        calls_tools(
            ("crm__search", {"q": "Ada"}), thoughts="I think so.", signature="signature-of-thought"
        )
    )
    answer = await first(model, watched=watched)
    use = after(answer, "Ada is 1.")
    # As the journal keeps it.
    use.turns[0].said = json.loads(json.dumps(use.turns[0].said))
    await model.complete(asking_for(tool_use=use))
    assert thought in told(server)
    for other in MODELS.keys() - {protocol}:
        await at(server, other).complete(asking_for(tool_use=use))
        sent = told(server)
        assert thought not in sent
        assert "I think so." not in sent
        assert all(word in sent for word in ("crm__search", "Ada", "Ada is 1."))


async def test_arguments_that_are_no_json_come_as_text(server: ModelServer) -> None:
    server.then(calls_tools(("crm__search", '{"q": '), ("crm__search", "[1]")))
    answer = await first(at(server, "openai"))
    assert [call.arguments for call in answer.calls] == ['{"q": ', "[1]"]


async def test_an_unknown_tool_keeps_the_name_that_was_said(server: ModelServer) -> None:
    server.then(calls_tools(("crm__delete", {})))
    assert (await first(at(server, "openai"))).calls[0] == ToolCall("call0", "crm__delete", {})
