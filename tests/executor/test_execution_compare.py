"""Two runs side by side: their texts word by word, at a bounded cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from designs.graph.word_changes import compare_words
from executor.models import BlockResult, Execution
from executor.views import comparing
from tests.graphs import asking, chain, design

pytestmark = pytest.mark.django_db

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def runs(queue: Callable[..., Execution], version_of: Callable[..., Any]) -> list[Execution]:
    """Two of the same version, of whose two blocks the first said something else."""
    version = version_of(design([asking("first"), asking("second")], chain("first", "second")))
    found = [queue(version, input_data={"note": "alike"}) for _ in range(2)]
    for run, said in zip(found, ("One text.", f"One longer text. {HOSTILE}"), strict=True):
        for name, output in (("first", said), ("second", "The same.")):
            BlockResult.objects.create(
                execution=run, block_id=name, status="completed", output=output
            )
    return found


def test_each_text_is_compared_once_and_all_within_one_bound(
    operator: User,
    browser_of: Callable[[User], Client],
    runs: list[Execution],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old, new = runs
    old.blocks.filter(block_id="second").update(output="Another.")
    bounds: list[Any] = []

    def counted(before: str, after: str, steps: Any) -> Any:
        bounds.append(steps)
        return compare_words(before, after, steps)

    monkeypatch.setattr(comparing, "compare_words", counted)
    page = browser_of(operator).get(f"/executions/{new.pk}/compare/?with={old.public_id}")
    shown = page.content.decode()
    assert "<ins>longer " in shown
    assert "<del>Another</del>" in shown
    assert "<img" not in shown
    assert len(bounds) == 2
    assert bounds[0] is bounds[1]


def test_texts_that_are_alike_are_not_compared(
    operator: User, browser_of: Callable[[User], Client], runs: list[Execution]
) -> None:
    old, new = runs
    page = browser_of(operator).get(f"/executions/{new.pk}/compare/?with={old.public_id}")
    # Input, result and the second block.
    assert page.content.decode().count(">the same<") == 3


def test_outputs_need_their_right(
    viewer: User, browser_of: Callable[[User], Client], runs: list[Execution]
) -> None:
    old, new = runs
    page = browser_of(viewer).get(f"/executions/{new.pk}/compare/?with={old.public_id}")
    assert page.status_code == 200
    assert "longer" not in page.content.decode()
