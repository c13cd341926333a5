"""The stand-in plays the roles of patterns sensibly, by the prompt alone."""

from __future__ import annotations

import pytest

from designs.patterns.catalogue import check_document
from executor.engine.context import Setup
from executor.engine.llm.base import ModelRequest
from executor.engine.llm.offline import NAME, StandIn
from executor.engine.runner import compile_graph, run_graph
from tests.memory_journal import MemoryJournal
from tests.scripted import agent, block, design


class Models:
    def resolve(self, name: str) -> StandIn:
        return StandIn()


async def steps_of(document, given=None):
    """What was said in each step, and the outcome."""
    checked = check_document(document)
    assert checked.problems == ()
    journal = MemoryJournal()
    setup = Setup("run", {}, Models(), (NAME,), journal, lambda event: None)
    outcome = await run_graph(compile_graph(checked.graph), given or {}, setup)
    assert outcome.status == "completed", outcome.error
    return {key: step.output for key, step in journal.steps.items()}, outcome


def about(name, prompt, role="worker"):
    return agent(name, role, system_prompt=prompt)


@pytest.mark.parametrize("names", [("x1", "x2"), ("x2", "x1"), ("painter", "cook")])
async def test_a_task_is_split_among_all_workers_by_their_words(names):
    first, second = names
    document = design(
        block("hierarchical", agent("lead", "manager"),
              about(first, "You paint walls and doors."), about(second, "You cook soup."),
              task="Cook a soup for ten. Paint the doors of the hall.")
    )  # fmt: skip

    said, outcome = await steps_of(document)

    assert said["main/lead/1/plan"]["subtasks"] == [
        {"worker": first, "task": "Paint the doors of the hall."},
        {"worker": second, "task": "Cook a soup for ten."},
    ]
    assert outcome.result.startswith("[stand-in]")
    assert outcome.degraded == ()


async def test_a_further_round_asks_for_nothing_more():
    document = design(
        block("hierarchical", agent("lead", "manager"), agent("a"), settings={"rounds": 4})
    )

    said, _ = await steps_of(document)

    assert said["main/lead/2/replan"] == {"subtasks": []}


@pytest.mark.parametrize(
    ("task", "route"),
    [("My tomatoes have spots on their leaves.", "r7"), ("The bread does not rise.", "r2")],
)
async def test_a_route_is_chosen_by_the_words_it_shares(task, route):
    document = design(
        block("routing", agent("router", "moderator"),
              about("r2", "You know bread, dough and ovens.", "specialist"),
              about("r7", "You know plants, leaves and tomatoes.", "specialist"), task=task)
    )  # fmt: skip

    said, _ = await steps_of(document)

    assert said["main/router/1/route"]["route"] == route
    assert said["main/router/1/route"]["reason"].startswith("[stand-in]")


async def test_several_routes_are_chosen_if_they_fit_alike():
    document = design(
        block("routing", agent("router", "moderator"),
              about("a", "You know bread."), about("b", "You know tomatoes."),
              about("c", "You know trains."), task="Tomatoes on bread?",
              settings={"mode": "multi", "max_routes": 3})
    )  # fmt: skip

    said, _ = await steps_of(document)

    assert said["main/router/1/route"]["routes"] == ["a", "b"]


async def test_a_short_draft_is_revised_to_a_better_score():
    sentences = " ".join(f"Word{n}a word{n}b word{n}c word{n}d word{n}e." for n in range(12))
    document = design(
        block("reflection", agent("writer"), agent("critic", "reflector"),
              task="Write a text on: {{ input.text }}",
              settings={"max_rounds": 6, "threshold": 70})
    )  # fmt: skip

    said, outcome = await steps_of(document, {"text": sentences})

    scores = [step["score"] for key, step in said.items() if key.endswith("critique")]
    assert len(scores) > 1
    assert scores == sorted(set(scores))
    assert 70 <= scores[-1] < 100
    assert outcome.degraded == ()


async def test_debaters_keep_their_stance_and_a_judge_names_one_of_them():
    document = design(
        block("debate", about("x1", "You are for trams."), about("x2", "You are for buses."),
              agent("judge", "moderator"), task="Decide: {{ input.question }}")
    )  # fmt: skip

    said, outcome = await steps_of(document, {"question": "Trams or buses for our town?"})

    assert said["main/x1/1/opening"] == "[stand-in] x1, on: Trams or buses for our town?"
    assert said["main/x1/1/opening"] != said["main/x2/1/opening"]
    verdict = next(step for key, step in said.items() if key.endswith("verdict"))
    assert verdict["winner"] in ("x1", "x2")
    assert outcome.result == verdict["answer"]
    assert outcome.result.startswith("[stand-in]")


async def test_a_review_suggests_a_longer_prompt_for_each_agent():
    document = design(
        block("sequential", about("a", "Answer."), about("b", "Answer in one sentence."), id="one"),
        block("reflection", agent("r", "reflector"), settings={"mode": "review_design"}),
        connections=[{"id": "c", "source": "one", "target": "main"}],
    )

    _, outcome = await steps_of(document)

    suggestions = outcome.result["suggestions"]
    # It does not review itself.
    assert [found["agent_id"] for found in suggestions] == ["a", "b"]
    for found in suggestions:
        assert found["suggested_prompt"].startswith(found["current_prompt"])
        assert found["suggested_prompt"] != found["current_prompt"]
        assert found["reasoning"].startswith("[stand-in]")


@pytest.mark.parametrize("purpose", ["plan", "replan", "route", "verdict", "critique", "review"])
async def test_another_question_under_a_known_purpose_is_answered_too(purpose):
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    request = ModelRequest("k", "You count.", (), purpose, "worker", schema)

    assert isinstance((await StandIn().complete(request)).value["n"], int)
