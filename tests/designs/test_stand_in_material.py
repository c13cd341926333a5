"""The stand-in works on what a run puts into its prompts, never on the words that ask."""

from __future__ import annotations

import pytest

from tests.designs.test_stand_in_roles import steps_of
from tests.scripted import agent, block, design

PROMPT = "Write a notice of at most four sentences in the tone of a town crier."


@pytest.mark.parametrize(
    ("kind", "agents", "settings"),
    [
        ("sequential", [agent("a"), agent("b")], {}),
        ("parallel", [agent("a"), agent("b"), agent("m", "moderator")], {}),
        ("parallel", [agent("a"), agent("b")], {"aggregate": "list"}),
        ("hierarchical", [agent("m", "manager"), agent("a"), agent("b")], {}),
        ("debate", [agent("a"), agent("b"), agent("m", "moderator")], {}),
        ("debate", [agent("a"), agent("b")], {"judge": "none"}),
        ("routing", [agent("m", "moderator"), agent("a", "specialist")], {}),
        ("reflection", [agent("a"), agent("r", "reflector")], {"threshold": 100}),
    ],
)
async def test_it_works_on_the_input_and_never_speaks_its_instructions(kind, agents, settings):
    agents = [{**one, "system_prompt": "You are loud and brief."} for one in agents]
    document = design(
        block(kind, *agents, task=f"{PROMPT} It is about: {{{{ input.news }}}}", settings=settings)
    )
    text = "The library opens on Sundays. Children read for free."

    _, outcome = await steps_of(document, {"news": text})

    told = str(outcome.result)
    assert "library opens on Sundays" in told
    assert "[stand-in]" in told
    for words in ("notice", "four sentences", "town crier", "loud", "It is about"):
        assert words not in told


async def test_without_an_input_it_says_so():
    said, outcome = await steps_of(design(block("sequential", agent("a"), task=PROMPT)))

    assert outcome.result == (
        "[stand-in] a was given nothing to work on; a model would answer here."
    )


async def test_a_bounded_answer_is_short_and_whole():
    document = design(
        block("sequential", {**agent("a"), "max_output_tokens": 12}, task="{{ input.text }}")
    )

    _, outcome = await steps_of(document, {"text": "One two three four. Five six. Seven."})

    assert len(outcome.result.split()) <= 12
    assert outcome.degraded == ()
