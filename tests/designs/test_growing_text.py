"""Text that comes in pieces shows no secret in halves, and nobody can tell from the pieces which
texts are secrets.
"""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from designs.secrets import key_shapes, masking
from designs.secrets.known import KnownSecrets
from designs.secrets.masking import GrowingText, learn, learn_chosen, masked_output
from tests.designs.test_masking import BLOCK, ODD, SHAPES, STRONG, TOKEN

# Begins as another one ends, and ends as another one begins.
TANGLED = ("c1d7e9f2a4b60835-9d-orc_1", "9d-orc_1-7b3f5e1a2c4d6908")
ALL = (*SHAPES, STRONG, ODD, *TANGLED)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    learn(STRONG, ODD, *TANGLED)


def pieces(text: str, seed: int) -> list[str]:
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(text) + 1), k=min(len(text), chance.randint(0, 12))))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


words = st.sampled_from(
    [*ALL, *(secret[:9] for secret in ALL), "a", "sk-", "orc_", " ", "x9", "_", "ä", "Bearer "]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(words, max_size=8).map("".join), st.integers(0, 2**32))
def test_a_growing_text_shows_the_masked_one_piece_by_piece(text: str, seed: int) -> None:
    learn(STRONG, ODD, *TANGLED)
    growing, before = GrowingText(), ""
    for piece in pieces(text, seed):
        growing.add(piece)
        shown = growing.show()
        assert shown.startswith(before)
        assert masked_output(text).startswith(shown)
        before = shown
    assert growing.show(whole=True) == masked_output(text)


def shown_after_each(text: str, size: int) -> list[int]:
    """How many characters of the text itself are told after each piece."""
    growing, told = GrowingText(), []
    for at in range(0, len(text), size):
        growing.add(text[at : at + size])
        growing.show()
        told.append(growing._done)
    return told


SECRETS = (
    "red-password-1",
    "v3uELikT0q-Zr8Bq2Lx7Wd5Kf",
    "69b411b525c677c6b0339ed1078a336c4dfb",
    ODD,
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_what_is_held_back_does_not_depend_on_the_secrets(
    monkeypatch: pytest.MonkeyPatch, secret: str, size: int
) -> None:
    """A model told to repeat guesses: none of them ends a piece otherwise than its neighbours."""
    begun = [f"{secret[:length]}{letter}" for length in range(len(secret)) for letter in "qk-7"]
    text = f"Your guesses: {' '.join(begun)}, {','.join(begun)} and {secret} or {secret[:-1]}."
    learnt = shown_after_each(text, size)
    monkeypatch.setattr(masking, "_known", KnownSecrets())
    ignorant = shown_after_each(text, size)
    learn(secret)
    learn_chosen(secret)
    assert ignorant == learnt == shown_after_each(text, size)


def test_a_guess_is_told_with_the_piece_after_it_right_or_wrong() -> None:
    learn("red-password-1")
    for guess in ("red", "red-", "redx", "blue"):
        growing = GrowingText()
        growing.add(f"so {guess}")
        assert growing.show() == "so "
        growing.add(" ")
        assert growing.show() == f"so {guess} "


def test_words_come_with_the_space_behind_them() -> None:
    growing = GrowingText()
    growing.add("All words are shown at once, 100 %, ")
    assert growing.show() == "All words are shown at once, 100 %, "
    growing.add("and s")
    assert growing.show().endswith("and ")
    growing.add("o on. 日本語")
    assert growing.show().endswith("and so on. 日本語")


def test_a_long_text_without_spaces_is_told_all_the_same() -> None:
    growing = GrowingText()
    growing.add("a," * 2_000)
    assert growing.show() == ("a," * 2_000)[:-1_024]


@pytest.mark.parametrize("secret", [BLOCK, TOKEN, "sk-" + "a1" * 3_000])
def test_a_key_of_any_length_is_told_by_its_head_alone(secret: str) -> None:
    growing = GrowingText()
    for at in range(0, len(secret), 50):
        growing.add(secret[at : at + 50])
        assert len(growing.show()) <= 40
    growing.add(" and more ")
    assert growing.show() == f"{masked_output(secret)} and more "


HEADS = [
    "orc_", "sk-", "a", "://", "AIza", "eyJ", "eyJ_", "eyJabcdefgh.", "bearer ", "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----", "://a:", "eyJ.eyJ", "whsec_", "-----END ", " ", "://a:b:",
]  # fmt: skip


class Counted:
    """A pattern that counts the characters it may have looked at."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern, self.looked = pattern, 0

    def match(self, text: str, at: int) -> re.Match[str] | None:
        found = self.pattern.match(text, at)
        # Within one look no pattern goes back further than these bounds.
        self.looked += found.end() - at if found else 800
        return found


@pytest.mark.parametrize("head", HEADS)
def test_no_text_makes_the_search_slow(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one of heads, not one long run: what is looked at grows as the text does."""
    looked = []
    for length in (20_000, 40_000):
        counted = [Counted(shape.pattern) for shape in key_shapes._SHAPES]
        shapes = [
            key_shapes._Shape(shape.sign, count, shape.in_bytes, shape.lead)  # type: ignore[arg-type]
            for shape, count in zip(key_shapes._SHAPES, counted, strict=True)
        ]
        with monkeypatch.context() as patched:
            patched.setattr(key_shapes, "_SHAPES", tuple(shapes))
            masked_output(head * (length // len(head)))
        looked.append(sum(one.looked for one in counted))
    assert looked[1] <= 2.2 * looked[0] + 2_000
