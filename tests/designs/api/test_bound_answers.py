"""What validating says of a run: its most calls, and their cost by the installation's prices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from executor.connections import save_connection
from executor.language_models.facts import installed_models
from executor.models import ModelConnection
from tests.graphs import Json, agent, asking, design, transform
from tests.json_patch import patched

pytestmark = pytest.mark.django_db

Validate = Callable[[Any], Json]


@pytest.fixture(autouse=True)
def _fresh_facts() -> Iterator[None]:
    """Facts that the process remembers belong to the last test's database."""
    installed_models.cache_clear()
    yield
    installed_models.cache_clear()


@pytest.fixture
def validate(client: APIClient) -> Validate:
    row: Design = create_design(document=design([transform("t")]), caller=SYSTEM)

    def answer(document: Any) -> Json:
        url = f"/api/designs/{row.pk}/validate"
        response = client.post(url, {"document": document}, format="json")
        assert response.status_code == 200
        return response.json()

    return answer


def connect(name: str, price: str | None, **fields: Any) -> ModelConnection:
    cost = None if price is None else Decimal(price)
    row = ModelConnection(
        name=name, base_url="https://models.example/v1", default_model="small",
        input_price_usd=cost, output_price_usd=cost, **fields,
    )  # fmt: skip
    save_connection(connection=row, new_key="sk-canary-3b9e77aa0c51", caller=SYSTEM)
    return row


def test_calls_tokens_and_the_price_of_the_connection(validate: Validate) -> None:
    connect("priced", "2")
    team = [agent("a", max_output_tokens=500), agent("b", max_output_tokens=100)]
    document = design([asking("x", *team, task="")], model="priced")

    bound = validate(document)["bound"]

    dollars = 2 * (1_000 + 500 + 1_000 + 100) / 1_000_000
    assert bound == {
        "calls": 2, "calls_with_retries": 8, "tokens_out": 600, "cost_usd": f"{dollars:.4f}",
        "unpriced": [],
        "blocks": {"x": {"calls": 2, "tokens_out": 600, "cost_usd": f"{dollars:.4f}"}},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["unpriced", "nowhere", "openai:no-such-model-x", "not a model!"])
def test_an_unknown_price_is_named(validate: Validate, name: str) -> None:
    connect("unpriced", None)

    bound = validate(design([asking("x")], model=name))["bound"]

    assert (bound["calls"], bound["cost_usd"], bound["unpriced"]) == (1, None, [name])


def test_public_prices_are_known_without_a_key(validate: Validate) -> None:
    cost = validate(design([asking("x")], model="openai:gpt-5-mini"))["bound"]["cost_usd"]

    assert Decimal("0.0005") < Decimal(cost) < Decimal("0.05")


def test_the_stand_in_is_free_and_what_only_computes_costs_nothing(validate: Validate) -> None:
    assert validate(design([asking("x")], model="offline:stand-in"))["bound"]["cost_usd"] == (
        "0.0000"
    )
    assert validate(design([transform("t")]))["bound"]["calls"] == 0


def test_a_changed_price_is_seen_at_once(
    validate: Validate, django_capture_on_commit_callbacks: Any
) -> None:
    row = connect("dear", "2")
    document = design([asking("x")], model="dear")
    before = validate(document)["bound"]["cost_usd"]
    row.input_price_usd = Decimal(200)

    with django_capture_on_commit_callbacks(execute=True):
        save_connection(connection=row, new_key="", caller=SYSTEM)

    assert Decimal(validate(document)["bound"]["cost_usd"]) > 10 * Decimal(before)


def test_problems_and_hints_come_with_their_mending(validate: Validate) -> None:
    schema = {"type": "object", "properties": {"customer": {"type": "string"}}}
    document = design([asking("x", task="{{ input.custmer }}", retries=11)], input_schema=schema)

    (problem,) = validate(document)["problems"]
    assert (problem["path"], problem["fix"]["label"]) == ("/blocks/0/retries", "Use `10`")
    found = validate(patched(document, problem["fix"]["patch"]))
    assert (found["valid"], found["bound"]["calls"]) == (True, 1)
    (hint,) = found["hints"]
    assert hint["fix"]["patch"] == [
        {"op": "replace", "path": "/blocks/0/task", "value": "{{ input.customer }}"}
    ]


def test_many_models_are_asked_about_once_and_not_without_end(
    validate: Validate, django_assert_max_num_queries: Any
) -> None:
    team = [agent(f"a{n}", model=[f"m{n}", "other"]) for n in range(50)]
    blocks = [asking(f"b{n}", *team) for n in range(4)]
    empty = validate(design([transform("t")]))

    with django_assert_max_num_queries(40):
        bound = validate(design(blocks))["bound"]
    assert (bound["calls"], len(bound["unpriced"])) == (200, 50)
    with django_assert_max_num_queries(15):
        assert validate(design(blocks))["bound"] == bound
    assert empty["valid"]
