"""What placeholders are worth with the data of a try, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import change_draft, create_design
from executor.history.pruning import remove_payloads
from executor.models import Execution
from executor.services import try_design
from tests.documents import doubling
from tests.executor.api.test_part_tries import finished, try_part
from tests.graphs import agent, asking, design, link, transform

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[User], APIClient]


def office() -> dict[str, Any]:
    return design(
        [transform("a", "{text: input.word}"), transform("b", "`2`"), transform("no"),
         asking("desk", agent("one"), agent("two")), transform("end", "incoming")],
        [link("a", "desk", target_agent="two"), link("b", "desk"),
         link("a", "no", when="input.never"), link("no", "end"), link("desk", "end"),
         link("a", "end", when="length(incoming.text) > `100`")],
    )  # fmt: skip


@pytest.fixture
def client(designer: User, api_of: Api) -> APIClient:
    return api_of(designer)


@pytest.fixture
def drawn(db: None) -> Design:
    return create_design(document=office(), caller=SYSTEM)


@pytest.fixture
def run(client: APIClient, drawn: Design) -> Execution:
    return finished(try_part(client, drawn, input_data={"word": "hello"}))


def evaluate(client: APIClient, drawn: Design, *texts: Any, **body: Any) -> Any:
    asked = [{"kind": "expression", **text} for text in texts]
    url = f"/api/designs/{drawn.pk}/evaluate"
    return client.post(url, {"texts": asked, **body}, format="json")


def values(client: APIClient, drawn: Design, *texts: Any, **body: Any) -> list[Any]:
    answer = evaluate(client, drawn, *texts, **body)
    assert answer.status_code == 200, answer.content
    return [value.get("value", value.get("error")) for value in answer.json()["values"]]


def test_values_are_those_of_the_run(client: APIClient, drawn: Design, run: Execution) -> None:
    said = values(
        client, drawn,
        {"block_id": "a", "text": "input.word"},
        {"block_id": "desk", "text": "blocks.a.output"},
        {"block_id": "desk", "text": "incoming"},
        {"block_id": "desk", "agent_id": "two", "text": "incoming"},
        {"block_id": "desk", "agent_id": "one", "text": "incoming"},
        {"block_id": None, "text": "blocks.end.output == blocks.desk.output"},
        {"text": "incoming"},
        {"block_id": "b", "text": "execution.id"},
        {"block_id": "a", "text": "incoming"},
        execution_id=run.public_id,
    )  # fmt: skip
    two = {"a": {"text": "hello"}, "b": 2}
    assert said == ["hello", {"text": "hello"}, 2, two, 2, True, None, run.public_id, None]


def test_what_is_not_upstream_is_not_there(
    client: APIClient, drawn: Design, run: Execution
) -> None:
    said = values(
        client, drawn,
        {"block_id": "desk", "text": "blocks.end.output"},
        {"block_id": "desk", "text": "blocks.desk.output"},
        {"block_id": "desk", "text": "keys(blocks)"},
        {"block_id": "a", "text": "blocks"},
        execution_id=str(run.pk),
    )  # fmt: skip
    assert said == [None, None, ["a", "b"], {}]


def test_connections_that_were_not_taken_bring_nothing(
    client: APIClient, drawn: Design, run: Execution
) -> None:
    condition = {"connection_id": "a_end", "text": "incoming"}
    body = {"execution_id": run.public_id}
    end = {"block_id": "end", "text": "incoming"}
    whole, arrived, skipped = values(
        client, drawn, end, condition, {"block_id": "no", "text": "incoming"}, **body
    )
    assert whole == run.blocks.get(block_id="desk").output
    assert (arrived, skipped) == ({"text": "hello"}, None)
    # A condition may read the block that it leaves.
    said = values(client, drawn, {**condition, "text": "blocks.a.output"}, **body)
    assert said == [{"text": "hello"}]


def test_without_a_run_there_is_the_input_alone(client: APIClient, drawn: Design) -> None:
    texts = [
        {"block_id": "desk", "kind": "template", "text": "{{ input.word }} {{ incoming }}"},
        {"block_id": "a", "text": "input"},
    ]
    answer = evaluate(client, drawn, *texts, input_data={"word": "typed"}).json()["values"]
    word, arrived = answer[0]["placeholders"]
    assert (word["value"], word["start"], word["end"]) == ("typed", 0, 16)
    assert "has no value here" in arrived["error"]
    assert answer[1] == {"value": {"word": "typed"}, "cut": False}
    assert values(client, drawn, {"text": "input"}) == [{}]


def test_a_typed_input_takes_the_place_of_the_runs(
    client: APIClient, drawn: Design, run: Execution
) -> None:
    body = {"execution_id": run.public_id, "input_data": {"word": "typed"}}
    texts = [{"text": "input.word"}, {"text": "blocks.a.output.text"}]
    assert values(client, drawn, *texts, **body) == ["typed", "hello"]


def test_the_document_may_be_another_with_problems(
    client: APIClient, drawn: Design, run: Execution
) -> None:
    document = office()
    document["blocks"].append(transform("new", "blocks.a.output.("))
    document["connections"].append(link("b", "new"))
    text = {"block_id": "new", "text": "[incoming, blocks.a.output]"}
    body = {"execution_id": run.public_id}
    assert values(client, drawn, text, document=document, **body) == [[2, None]]
    assert values(client, drawn, text, **body) == ["There is no block 'new'."]
    change_draft(design=drawn, document=document, caller=SYSTEM)
    assert values(client, drawn, text, **body) == [[2, None]]
    for odd in ([], 7, "x", {"blocks": [{"id": "a"}] * 300}, {"blocks": {}}, {"\ud7ff": 1}):
        assert values(client, drawn, {"text": "input.word"}, document=odd, **body) == ["hello"]


def test_who_may(
    client: APIClient, drawn: Design, run: Execution, viewer: User, api_of: Api,
    make_user: Callable[..., User],
) -> None:  # fmt: skip
    text = {"text": "input.word"}
    assert evaluate(api_of(make_user("nobody")), drawn, text).status_code == 403
    assert evaluate(api_of(viewer), drawn, text).status_code == 200
    refused = evaluate(api_of(viewer), drawn, text, execution_id=run.public_id)
    assert refused.status_code == 403
    assert "executor.view_payload" in refused.json()["detail"]
    other = create_design(document=doubling(), caller=SYSTEM)
    foreign = try_design(design=other, input_data={"number": 1}, caller=SYSTEM)
    remove_payloads([run.pk])
    for name in (foreign.public_id, "nonsense", "0" * 32, run.public_id):
        refused = evaluate(client, drawn, text, execution_id=name)
        assert refused.status_code == 422
        assert refused.json()["type"] == "/problems/run-unknown"
        assert list(refused.json()["errors"]) == ["execution_id"]
