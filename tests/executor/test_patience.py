"""A server that hangs is asked by one at a time, until it answers."""

from __future__ import annotations

import logging

import pytest

from designs.runtime.patience import Patience, RareWarning


@pytest.fixture
def patience() -> Patience:
    warning = RareWarning(logging.getLogger(__name__), "It failed: %s")
    return Patience(rest_seconds=1_000.0, try_seconds=1_000.0, warning=warning)


def test_all_ask_while_it_answers(patience: Patience) -> None:
    assert [patience.asks() for _ in range(3)] == [True] * 3
    patience.answered()
    assert patience.asks()


def test_nobody_asks_after_a_failure(patience: Patience) -> None:
    patience.failed(OSError())
    assert not patience.asks()


def test_one_tries_and_the_others_go_on_without(patience: Patience) -> None:
    patience.rest_seconds = 0.0
    patience.failed(OSError())
    assert [patience.asks() for _ in range(5)] == [True, False, False, False, False]
    patience.answered()
    assert [patience.asks() for _ in range(3)] == [True] * 3


def test_a_try_that_tells_of_no_end_is_followed_by_another(patience: Patience) -> None:
    patience.rest_seconds = patience.try_seconds = 0.0
    patience.failed(OSError())
    assert [patience.asks() for _ in range(3)] == [True] * 3


def test_a_failure_that_repeats_is_logged_once_a_minute(
    patience: Patience, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        patience.failed(OSError("away"))
    assert caplog.messages == ["It failed: away"]
