"""Texts to evaluate that are wrong, dear or large are answered, within bounds."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from designs.access import SYSTEM
from designs.models import Design
from designs.services import create_design
from tests.executor.api.test_design_evaluate import Api, evaluate, office

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(designer: User, api_of: Api) -> APIClient:
    return api_of(designer)


@pytest.fixture
def drawn(db: None) -> Design:
    return create_design(document=office(), caller=SYSTEM)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"texts": "x"},
        {"texts": [{"text": "x"}]},
        {"texts": [{"text": [], "kind": "template"}]},
        {"texts": [{"text": "x", "kind": "python"}]},
        {"texts": [{"text": "x", "kind": "template", "more": 1}]},
        {"texts": [{"text": "x", "kind": "template"}] * 51},
        {"texts": [{"text": "x" * 50_001, "kind": "template"}] * 2},
        {"texts": [{"text": "x", "kind": "template", "block_id": "a" * 65}]},
        {"texts": [], "execution_id": {}},
        {"texts": [], "input_data": []},
    ],
)
def test_other_bodies_are_refused(client: APIClient, drawn: Design, body: Any) -> None:
    answer = client.post(f"/api/designs/{drawn.pk}/evaluate", body, format="json")
    assert answer.status_code == 422, answer.content


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["[`1`]"] + ["[@[], @[], @[], @[], @[], @[]][]"] * 8),
        "map(&map(&map(&to_string(@), @), @), [input.rows, input.rows])",
        "join('', map(&join(input.text, ['a', 'b']), input.rows[]))",
        "(" * 900 + ")" * 900,
        "input." * 300,
    ],
    ids=["famous", "maps", "joins", "parentheses", "path"],
)
def test_hostile_texts_are_answered(client: APIClient, drawn: Design, text: str) -> None:
    data = {"rows": [[number] * 30 for number in range(300)], "text": "x" * 100_000}
    texts = [{"text": text}, {"kind": "template", "text": f"{{{{ {text} }}}}"}] * 20
    answer = evaluate(client, drawn, *texts, input_data=data)
    assert answer.status_code == 200
    assert all("error" in value for value in answer.json()["values"])
    assert len(answer.content) < 200_000


def test_the_whole_input_in_each_text_is_no_large_answer(client: APIClient, drawn: Design) -> None:
    texts = [{"kind": "template", "text": "{{ input.text }}" * 100}] * 50
    answer = evaluate(client, drawn, *texts, input_data={"text": "\u0001" * 100_000})
    assert answer.status_code == 200
    assert len(answer.content) < 5_000_000
