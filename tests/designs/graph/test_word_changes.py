"""Texts word by word, at a bounded cost."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from designs.graph.word_changes import Steps, compare_words

TEXTS = st.text(st.sampled_from("ab .,\n_é"), max_size=60)


def pieces(before: str, after: str) -> list[tuple[str, str]]:
    return list(compare_words(before, after, Steps()))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Write three lines.", "Write two lines.",
         [("same", "Write "), ("removed", "three"), ("added", "two"), ("same", " lines.")]),
        ("", "New.", [("added", "New.")]),
        ("Old.", "", [("removed", "Old.")]),
        ("the same", "the same", [("same", "the same")]),
        ("one two three", "uno due three",
         [("removed", "one two"), ("added", "uno due"), ("same", " three")]),
        ("three", "threw", [("removed", "three"), ("added", "threw")]),
        ("a\nb", "a\n\nb", [("same", "a"), ("removed", "\n"), ("added", "\n\n"), ("same", "b")]),
    ],
    ids=["word", "new", "gone", "same", "gap", "part of a word", "lines"],
)  # fmt: skip
def test_pieces(before: str, after: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(before, after) == expected


def put_together(found: list[tuple[str, str]], left_out: str) -> str:
    return "".join(text for op, text in found if op != left_out)


@given(TEXTS, TEXTS)
def test_the_pieces_are_both_texts(before: str, after: str) -> None:
    found = pieces(before, after)
    assert put_together(found, "added") == before
    assert put_together(found, "removed") == after
    assert all(text for _, text in found)


def test_long_texts_are_compared_by_lines() -> None:
    lines = [f"Line {number} of the text." for number in range(4_000)]
    other = [*lines]
    other[10], other[3_000], other[3_500] = "Another ten.", "Another one.", "And another."
    found = pieces("\n".join(lines), "\n".join(other))
    assert ("removed", "Line 3000 of the text.\n") in found
    assert ("added", "Another one.\n") in found


def test_without_steps_left_the_texts_are_still_told() -> None:
    shuffled = [f"w{number % 997}" for number in range(9_000)]
    before = " ".join(shuffled)
    random.Random(7).shuffle(shuffled)
    after = " ".join(shuffled)
    steps = Steps(100)
    found = list(compare_words(before, after, steps))
    assert put_together(found, "added") == before
    assert put_together(found, "removed") == after
    assert len(found) <= 4
