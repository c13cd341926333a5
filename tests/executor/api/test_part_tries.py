"""Trying one block alone: what it is given, typed or taken from an earlier run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.models import BlockResult, Execution
from tests.documents import doubling
from tests.graphs import agent, asking, chain, design, link, transform
from tests.performing import perform_execution

pytestmark = pytest.mark.django_db(transaction=True)

Api = Callable[[User], APIClient]


def letters() -> dict[str, Any]:
    """Two clerks, whose second one writes to the desk; the desk reads the greeting, too."""
    clerks = asking("clerks", agent("first"), agent("second"))
    return design(
        [clerks, transform("greeting", "input.name || 'you'"),
         transform("desk", "{text: incoming, name: blocks.greeting.output}"),
         transform("last", "incoming.text")],
        [link("greeting", "clerks"), link("clerks", "desk", source_agent="second"),
         link("desk", "last")],
        input_schema={"type": "object", "required": ["name"]},
    )  # fmt: skip


@pytest.fixture
def client(designer: User, api_of: Api) -> APIClient:
    return api_of(designer)


@pytest.fixture
def drawn(db: None) -> Design:
    return create_design(document=letters(), caller=SYSTEM)


def try_part(client: APIClient, tried: Design, **body: Any) -> Any:
    return client.post(f"/api/designs/{tried.pk}/execute", body, format="json")


def finished(answer: Any) -> Execution:
    assert answer.status_code == 202, answer.content
    future = perform_execution(answer.json()["log_id"])
    assert future is not None
    future.result(timeout=60)
    return Execution.objects.get(pk=answer.json()["log_id"])


def statuses(execution: Execution) -> dict[str, str]:
    return dict(BlockResult.objects.filter(execution=execution).values_list("block_id", "status"))


def test_what_is_typed_is_what_the_block_reads(client: APIClient, drawn: Design) -> None:
    given = {"clerks": "a letter", "greeting": "Ada"}
    execution = finished(try_part(client, drawn, only="desk", given=given))
    assert execution.result_data == {"text": "a letter", "name": "Ada"}
    assert statuses(execution) == {"desk": "completed"}
    assert execution.part == {"only": "desk", "label": "desk"}
    shown = client.get(f"/api/executions/{execution.pk}").json()
    assert (shown["only"], shown["given"]) == ("desk", given)
    (listed,) = client.get("/api/executions").json()["results"]
    assert (listed["only"], "given" in listed) == ("desk", False)


def test_the_output_of_one_agent_may_be_typed(client: APIClient, drawn: Design) -> None:
    given = {"clerks/second": "mine", "greeting": None}
    execution = finished(try_part(client, drawn, only="desk", given=given))
    assert execution.result_data == {"text": "mine", "name": None}
    both = {"clerks": "block", "clerks/second": "agent", "greeting": "Ada"}
    execution = finished(try_part(client, drawn, only="desk", given=both))
    assert execution.result_data == {"text": "agent", "name": "Ada"}
    shown = client.get(f"/api/executions/{execution.pk}").json()["given"]
    assert shown == {**both, "clerks/first": "block"}


def test_what_is_not_typed_comes_from_the_run(client: APIClient, drawn: Design) -> None:
    whole = finished(try_part(client, drawn, input_data={"name": "Ada"}))
    assert whole.result_data
    taken = try_part(client, drawn, only="desk", from_execution=whole.public_id)
    execution = finished(taken)
    said = whole.steps.get(agent_id="second").text
    assert execution.result_data == {"text": said, "name": "Ada"}
    assert (execution.input_data, execution.model_calls) == ({"name": "Ada"}, 0)
    # What is typed wins; a run of a part passes on what it was given itself.
    answer = try_part(client, drawn, only="desk", from_execution=str(execution.pk),
                      given={"greeting": "Ben"})  # fmt: skip
    assert finished(answer).result_data == {"text": said, "name": "Ben"}
    last = try_part(client, drawn, only="last", from_execution=str(execution.pk))
    assert finished(last).result_data == said


def test_a_block_that_delivered_nothing_there_delivers_nothing(client: APIClient) -> None:
    raw = design(
        [transform("a", "input.n"), transform("b"), transform("no", "`1`"),
         transform("c", "incoming")],
        [link("a", "c"), link("a", "no", when="input.never"), link("no", "c"), link("b", "c")],
    )  # fmt: skip
    drawn = create_design(document=raw, caller=SYSTEM)
    whole = finished(try_part(client, drawn, input_data={"n": 5}))
    assert statuses(whole)["no"] == "skipped"
    execution = finished(try_part(client, drawn, only="c", from_execution=whole.public_id))
    assert execution.result_data == whole.result_data == {"a": 5, "b": 1}
    assert execution.blocks.get().taken == ["a_c", "b_c"]
    shown = client.get(f"/api/executions/{execution.pk}").json()
    assert shown["given"] == {"a": 5, "b": 1}
    assert [block["taken"] for block in shown["blocks"]] == [["a_c", "b_c"]]


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"only": "nowhere"}, "only", "no block 'nowhere'"),
        ({"only": ""}, "only", ""),
        ({"only": ["desk"]}, "only", ""),
        ({"only": "desk"}, "given", "'clerks/second', 'greeting'"),
        ({"only": "desk", "given": {"greeting": 1}}, "given", "'clerks/second'"),
        ({"only": "desk", "given": {"clerks/first": 1, "greeting": 1}}, "given", "clerks/second"),
        ({"only": "desk", "given": {"clerk": 1}}, "given", "no 'clerk'"),
        ({"only": "desk", "given": {"clerks/third": 1}}, "given", "no 'clerks/third'"),
        ({"only": "desk", "given": {"x" * 5000: 1}}, "given", "xxx"),
        ({"only": "desk", "given": []}, "given", ""),
        ({"only": "desk", "from_execution": "nonsense"}, "from_execution", "no such run"),
        ({"only": "desk", "from_execution": "0" * 32}, "from_execution", "no such run"),
        ({"given": {"clerks": 1}}, "only", "Name the block"),
        ({"from_execution": "0" * 32}, "only", "Name the block"),
        ({"only": "greeting"}, "input_data", ""),
    ],
)
def test_what_cannot_be_tried_alone_is_refused(
    client: APIClient, drawn: Design, body: Any, field: str, said: str
) -> None:
    answer = try_part(client, drawn, **body)
    assert answer.status_code == 422, answer.content
    (errors,) = [texts for name, texts in answer.json()["errors"].items() if name == field]
    assert said in str(errors)
    assert not Execution.objects.exists()


def test_only_runs_of_the_same_design_that_are_there_for_the_caller(
    client: APIClient, drawn: Design, make_user: Callable[..., User], api_of: Api
) -> None:
    other = create_design(document=doubling(), caller=SYSTEM)
    run = finished(try_part(client, other, input_data={"number": 1}))
    answer = try_part(client, drawn, only="desk", from_execution=run.public_id)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["from_execution"])
    blind = make_user("blind", "Designer")
    for group in blind.groups.all():
        group.permissions.remove(*group.permissions.filter(codename="view_payload"))
    answer = try_part(api_of(blind), other, only="double", from_execution=run.public_id)
    assert answer.status_code == 403
    assert "executor.view_payload" in answer.json()["detail"]
    # Typed outputs need no such right, but are shown only to those who have it.
    answer = try_part(api_of(blind), other, only="double", given={"pair": [1, 2]})
    execution = finished(answer)
    assert execution.result_data == 3
    shown = api_of(blind).get(f"/api/executions/{execution.pk}").json()
    assert (shown["only"], shown["given"], shown["result_data"]) == ("double", None, None)


def test_a_part_is_tried_within_all_rules_of_tries(
    viewer: User, client: APIClient, drawn: Design, api_of: Api, settings: Any
) -> None:
    body = {"only": "desk", "given": {"clerks": "sk-proj-" + "a1B2" * 12, "greeting": 1}}
    assert try_part(api_of(viewer), drawn, **body).status_code == 403
    execution = finished(try_part(client, drawn, **body))
    assert "a1B2a1B2" not in str(execution.given_outputs) + str(execution.result_data)
    assert execution.limits["model_calls"] == settings.ENVIRONMENT.try_model_calls


def test_a_long_chain_needs_only_what_is_read(client: APIClient) -> None:
    raw = design([transform("a"), transform("b", "incoming"), transform("c", "incoming")],
                 chain("a", "b", "c"))  # fmt: skip
    drawn = create_design(document=raw, caller=SYSTEM)
    # What it does not read, and what comes after it, may be given too, but is not kept.
    answer = try_part(client, drawn, only="b", given={"a": [1, {"x": 2}], "c": 3})
    execution = finished(answer)
    assert execution.result_data == [1, {"x": 2}]
    assert execution.given_outputs == {"a": {"output": [1, {"x": 2}]}}
