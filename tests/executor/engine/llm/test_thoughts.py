"""Thoughts are never passed on, whether a text is whole or streamed."""

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
    ("<seed:think>private</seed:think>Fine.", "Fine."),
    ("◁think▷private◁/think▷Fine.", "Fine."),
    ("<|channel|>analysis<|message|>private<|end|><|channel|>final<|message|>Fine.", "Fine."),
    ("A <|pipe|> and ◁ a triangle.", "A <|pipe|> and ◁ a triangle."),
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


@pytest.mark.parametrize(("output", "rest"), SPOKEN)
def test_only_the_answer_is_spoken(output: str, rest: str) -> None:
    assert spoken([output]) == rest
    assert spoken(list(output)) == rest


@pytest.mark.parametrize(("output", "rest"), SPOKEN)
@pytest.mark.parametrize("is_unsure", [False, True])
def test_a_cut_at_any_place_tells_no_thought(output: str, rest: str, is_unsure: bool) -> None:
    for at in range(len(output) + 1):
        text = SpokenText(is_unsure=is_unsure)
        deltas = [text.add(output[:at]), text.add(output[at:]), text.end()]
        assert text.text == rest, at
        if is_unsure or not text.began_inside:
            assert "".join(deltas) == rest, at


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
    output = "".join(data.draw(st.lists(st.sampled_from(words), max_size=12)))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(output)), max_size=6)))
    pieces = [output[a:b] for a, b in zip([0, *cuts], [*cuts, len(output)], strict=True)]
    was_cut = data.draw(st.booleans())
    assert spoken(pieces, was_cut=was_cut) == spoken([output], was_cut=was_cut)


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
    model, deltas = model_at(server, "openai_compatible"), list[str]()
    unwatched = await model.complete(asking_for())
    watched = await model.complete(asking_for(), deltas.append)
    assert unwatched.text == watched.text == "".join(deltas) == "Fine answer."


async def test_a_model_that_always_begins_in_mid_thought_is_known_after_one_answer(
    server: ModelServer,
) -> None:
    pieces = ["private ", "thought</think>", "Fine."]
    model, deltas = model_at(server, "openai_compatible"), list[str]()
    server.then(says("".join(pieces)), chunks(*pieces), chunks("No ", "thought."))
    assert (await model.complete(asking_for())).text == "Fine."
    await model.complete(asking_for(), deltas.append)
    assert deltas == ["Fine."]
    assert (await model.complete(asking_for(), lambda _: None)).text == "No thought."


@pytest.mark.parametrize("name", ["deepseek-r1:8b", "QwQ-32B", "qwen3-30b-a3b-thinking", "org/R1"])
async def test_a_model_that_is_named_for_thinking_shows_none_of_it_even_once(
    server: ModelServer, name: str
) -> None:
    thought = ["private ", "thought", "</thi", "nk>", "\n\nFine."]
    model, deltas = model_at(server, "openai_compatible", model=name), list[str]()
    server.then(chunks(*thought), chunks(*thought))
    for _ in range(2):
        assert (await model.complete(asking_for(), deltas.append)).text == "Fine."
    assert "".join(deltas) == "Fine.Fine."


@pytest.mark.parametrize("name", ["deepseek-r1:8b", "small"])
async def test_what_is_not_thought_is_told_live_once_that_is_known(
    server: ModelServer, name: str
) -> None:
    model = model_at(server, "openai_compatible", model=name)
    server.then(chunks("No ", "thought."), chunks("No ", "thought."))
    for _ in range(2):
        deltas = list[str]()
        await model.complete(asking_for(), deltas.append)
        assert "".join(deltas) == "No thought."
    assert deltas == ["No ", "thought."]


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
