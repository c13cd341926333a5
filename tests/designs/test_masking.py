"""Secrets in texts: which ones are masked, also in JSON, in logs, and in texts that grow."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designs import masking
from designs.encryption import Secret
from designs.masking import MASK, GrowingText, is_clean, learn, masked, masked_line, masked_value

API_KEY = "orc_1f0c9a3b_" + "aB3_-xYz" * 5
WEBHOOK = "whsec_" + "MfKQ9r8GKYqrTwjU" * 2
OPENAI = "sk-proj-" + "Ab1-Cd2_" * 5
GOOGLE = "AIza" + "SyA1b2C3d4" * 4
PLAIN = "canary of no shape 7f3a"
ODD = 'quo"te\\slash/ä€ 12'
# Begins as another one ends, and ends as another one begins.
TANGLED = ("zzz-abcabc-orc_1", "abcabc-orc_1-yyy9")
ALL = (API_KEY, WEBHOOK, OPENAI, GOOGLE, PLAIN, ODD, *TANGLED)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the process knows is as it was afterwards."""
    monkeypatch.setattr(masking, "_known", masking._Known())
    learn(PLAIN, ODD, *TANGLED)
    return


@pytest.mark.parametrize("secret", ALL)
def test_a_secret_is_masked_wherever_it_stands(secret: str) -> None:
    for text in (
        secret,
        f"Bearer {secret}",
        f'{{"key":"{secret}"}}',
        f"a\n{secret}\nb",
        f"({secret})",
    ):
        assert secret not in masked(text)
        assert MASK in masked(text)
    value = {"a": [1, None, {secret: [f"x {secret}"]}], "b": "clean"}
    shown = json.dumps(masked_value(value), ensure_ascii=False)
    assert secret not in shown
    assert '"b": "clean"' in shown
    assert not is_clean(orjson.dumps({"a": f"\n{secret}"}))


def test_what_a_key_begins_with_stays() -> None:
    assert masked(f"The key {API_KEY}.") == "The key orc_1f0c9a3b_(secret)."
    assert masked(f"{WEBHOOK} {OPENAI}") == "whsec_(secret) sk-(secret)"
    assert masked(f"It is {PLAIN}!") == "It is (secret)!"
    assert masked(masked(f"{API_KEY} {PLAIN}")) == masked(f"{API_KEY} {PLAIN}")


@pytest.mark.parametrize(
    "text",
    [
        "", "desk-based and risk-taking work", "sk-learn-pipelines-and-more-models",
        "orc_12345678_", "orc_short_abc", "my_orchestra", "whsec_",
        "task-1234567890-1234567890-1234567890",
        "AIzazel", "a@b.example", "3.14", "word", "Authorization: none",
    ],
)  # fmt: skip
def test_ordinary_text_stays(text: str) -> None:
    assert masked(text) is text
    assert masked_line(text) == text
    value = {"a": [text], text: 1}
    assert masked_value(value) == value


@pytest.mark.parametrize("weak", ["", "short", "postgres", "orchestra", "       ", "EMPTY", "none"])
def test_what_is_no_secret_by_its_look_is_not_learnt(weak: str) -> None:
    learn(weak)
    assert masked(f"the {weak} server") == f"the {weak} server"


def test_a_secret_that_is_opened_or_typed_is_learnt() -> None:
    typed = Secret("typed in a form, 1")
    assert masked("typed in a form, 1") == MASK
    stored = Secret(token=Secret("from the database, 2").token)
    masking._known = masking._Known()
    assert masked("from the database, 2") == "from the database, 2"
    stored.reveal()
    assert masked("from the database, 2") == MASK
    assert typed


def test_values_that_json_does_not_take_are_looked_through() -> None:
    value = {"big": 2**80, "half": "\ud800", "key": f"\ud800{PLAIN}"}
    assert masked_value(value)["key"] == f"\ud800{MASK}"


def test_logs_show_no_password_of_an_address_and_no_token() -> None:
    line = "cannot reach postgresql://ada:s3cret-word@db.example/x, sent Bearer abc.def.ghi-123"
    assert masked_line(line) == (
        "cannot reach postgresql://ada:(secret)@db.example/x, sent Bearer (secret)"
    )


def pieces(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(text) + 1), k=min(len(text), chance.randint(0, 12))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


words = st.sampled_from(
    [*ALL, *(secret[:9] for secret in ALL), "a", "sk-", "orc_", " ", "x9", "_", "ä"]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(words, max_size=8).map("".join), st.integers(0, 2**32))
def test_a_growing_text_shows_the_masked_one_piece_by_piece(text: str, seed: int) -> None:
    learn(PLAIN, ODD, *TANGLED)
    growing, before = GrowingText(), ""
    for piece in pieces(text, seed):
        growing.add(piece)
        shown = growing.show()
        assert shown.startswith(before)
        assert masked(text).startswith(shown)
        before = shown
    assert growing.show(whole=True) == masked(text)


def test_ordinary_words_are_not_held_back() -> None:
    growing = GrowingText()
    growing.add("All words are shown at once, 100 %, ")
    assert growing.show() == "All words are shown at once, 100 %, "
    growing.add("and s")
    assert growing.show().endswith("and ")
    growing.add("o on.")
    assert growing.show().endswith("and so on.")


def test_long_texts_are_quick() -> None:
    """No text makes the search slow: not one of heads, not one long run, not a growing one."""
    texts: list[Any] = [
        "orc_" * 25_000,
        "sk-" * 33_000,
        "a" * 100_000,
        "://" * 33_000,
        "AIza" * 25_000,
    ]
    for text in texts:
        began = time.perf_counter()
        masked_line(text)
        masked_value({"a": text})
        growing = GrowingText()
        for start in range(0, len(text), 5_000):
            growing.add(text[start : start + 5_000])
            growing.show()
        assert time.perf_counter() - began < 2.0, text[:8]
