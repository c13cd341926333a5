"""A server that hangs is asked by one at a time, until it answers."""

from __future__ import annotations

import pytest

from designs.runtime.patience import Patience


@pytest.fixture
def patience() -> Patience:
    return Patience(rest_seconds=1_000.0, try_seconds=1_000.0)


def test_all_ask_while_it_answers(patience: Patience) -> None:
    assert [patience.asks() for _ in range(3)] == [True] * 3
    patience.answered()
    assert patience.asks()


def test_nobody_asks_after_a_failure(patience: Patience) -> None:
    patience.failed()
    assert not patience.asks()


def test_one_tries_and_the_others_go_on_without(patience: Patience) -> None:
    patience.rest_seconds = 0.0
    patience.failed()
    assert [patience.asks() for _ in range(5)] == [True, False, False, False, False]
    patience.answered()
    assert [patience.asks() for _ in range(3)] == [True] * 3


def test_a_try_that_tells_of_no_end_is_followed_by_another(patience: Patience) -> None:
    patience.rest_seconds = patience.try_seconds = 0.0
    patience.failed()
    assert [patience.asks() for _ in range(3)] == [True] * 3
