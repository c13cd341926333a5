"""Private thoughts stay private, whether a text comes whole or in any pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.engine.llm.base import ErrorKind, ModelError
from executor.engine.llm.providers import ProviderModel
from executor.engine.llm.thoughts import SpokenText
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.model_server import ModelServer, chunks, says

SPOKEN = [
    ("<think>\nprivate\n</think>\n\nFine answer.", "Fine answer."),
    ("\n <think>private</think>Fine.", "Fine."),
    ("<THINK>private</Think> Fine.", "Fine."),
    ("<thinking>private</thinking>Fine.", "Fine."),
    ("[THINK]private[/THINK]Fine.", "Fine."),
    ("<think>private</think><think>private again</think>Fine.", "Fine."),
    ("Well. <think>private</think>Fine.", "Well. Fine."),
    ("<think></think>Fine.", "Fine."),
    # The opening tag stands in the prompt of some models.
    ("private\n</think>\n\nFine.", "Fine."),
    ("<think>private, never closed", ""),
    # Words of the text, not tags.
    ("Write `<think>` and `</think>`.", "Write `<think>` and `</think>`."),
    ("Use <think> for that.", "Use <think> for that."),
    ("a < b, [1], <b>bold</b>, <thin", "a < b, [1], <b>bold</b>, <thin"),
    ("  Indented.", "  Indented."),
    ("", ""),
]  # fmt: skip


def spoken(pieces: list[str], *, was_cut: bool = False) -> str:
    text = SpokenText()
    for piece in pieces:
        text.add(piece)
    text.end(was_cut=was_cut)
    return text.text


@pytest.mark.parametrize(("said", "rest"), SPOKEN)
def test_only_the_answer_is_spoken(said: str, rest: str) -> None:
    assert spoken([said]) == rest
    assert spoken(list(said)) == rest


@given(st.data())
def test_pieces_make_no_difference(data: st.DataObject) -> None:
    words = [
        "<think>",
        "</think>",
        "[THINK]",
        "[/THINK]",
        "<",
        "think",
        ">",
        "/",
        "`",
        "\n",
        " ",
        "x",
    ]
    said = "".join(data.draw(st.lists(st.sampled_from(words), max_size=12)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(said)), max_size=6)))
    pieces = [said[a:b] for a, b in zip([0, *cuts], [*cuts, len(said)], strict=True)]
    was_cut = data.draw(st.booleans())
    assert spoken(pieces, was_cut=was_cut) == spoken([said], was_cut=was_cut)


def test_a_thought_that_was_cut_off_stays_private() -> None:
    assert spoken(["Well. <think>private"], was_cut=True) == "Well. "


PIECES = [
    ["<", "think", ">", "\nprivate\n", "</", "think", ">", "\n\n", "Fine ", "answer."],
    ["<think>\n", "private", "\n</think>\n\n", "Fine answer."],
    ["<think>private</think>Fine answer."],
]


@pytest.mark.parametrize("pieces", PIECES)
async def test_watched_and_unwatched_get_the_same(server: ModelServer, pieces: list[str]) -> None:
    server.then(says("".join(pieces)), chunks(*pieces))
    model, told = model_at(server, "openai_compatible"), list[str]()
    unwatched = await model.complete(asking_for())
    watched = await model.complete(asking_for(), told.append)
    assert unwatched.text == watched.text == "".join(told) == "Fine answer."


async def test_a_model_that_always_begins_in_mid_thought_is_known_after_one_answer(
    server: ModelServer,
) -> None:
    pieces = ["private ", "thought</think>", "Fine."]
    model, told = model_at(server, "openai_compatible"), list[str]()
    server.then(says("".join(pieces)), chunks(*pieces), chunks("No ", "thought."))
    assert (await model.complete(asking_for())).text == "Fine."
    await model.complete(asking_for(), told.append)
    assert told == ["Fine."]
    assert (await model.complete(asking_for(), lambda _: None)).text == "No thought."


async def test_nothing_but_thoughts_until_the_limit(
    model: ProviderModel, server: ModelServer
) -> None:
    server.then(says("<think>Let me see", finish="length", tokens=(10, 1_200)))
    with pytest.raises(ModelError) as caught:
        await model.complete(asking_for())
    assert caught.value.kind is ErrorKind.CONTENT
    assert caught.value.message.startswith(
        f"{model.name} spent its 1,200 tokens before it said anything: it was cut"
    )
