"""The samples are right, their examples fit, and they run, whatever their parts are called."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import jsonschema_rs
import pytest

from designs.patterns.approval import ROUTES
from designs.patterns.catalogue import PALETTE, check_document
from designs.sample_files import FOLDER, Sample, load_samples
from executor.engine.context import Setup
from executor.engine.llm.offline import NAME, StandIn
from executor.engine.runner import compile_graph, run_graph
from tests.approving import NO_TIME, Everybody
from tests.memory_journal import MemoryJournal
from tests.offered_tools import AnyTools

SAMPLES = {sample.slug: sample for sample in load_samples()}


class OnlyTheStandIn:
    def resolve(self, name: str) -> StandIn:
        assert name == NAME
        return StandIn()


async def run(document: dict[str, Any], given: Any) -> Any:
    checked = check_document(document)
    assert checked.problems == ()
    facts = {"id": "run", "trigger": "manual", "started_at": "2026-01-01T00:00:00Z"}
    setup = Setup(
        "run",
        facts,
        OnlyTheStandIn(),
        (NAME,),
        MemoryJournal(),
        lambda event: None,
        timing=NO_TIME,
        decisions=Everybody(cost_centre="17"),
        tools=AnyTools(),
    )
    return await run_graph(compile_graph(checked.graph), given, setup)


@pytest.fixture(params=SAMPLES)
def sample(request: pytest.FixtureRequest) -> Sample:
    return SAMPLES[request.param]


def test_there_are_samples_of_every_pattern():
    blocks = [block for sample in SAMPLES.values() for block in sample.document["blocks"]]

    assert len(SAMPLES) >= 8
    # Another design, or a server, must be there first.
    assert {block["type"] for block in blocks} == set(PALETTE) - {"subdesign", "http"}
    modes = {block["settings"]["mode"] for block in blocks if block["type"] == "reflection"}
    assert modes == {"refine", "review_design"}
    assert list(SAMPLES) == sorted(path.stem for path in FOLDER.glob("*.json"))


def test_a_sample_has_no_problems(sample):
    assert check_document(sample.document).problems == ()


def test_its_example_fits_its_input_schema(sample):
    schema = sample.document["input_schema"]
    validator = jsonschema_rs.validator_for(schema)

    assert schema["required"]
    assert validator.is_valid(sample.input_example)
    assert not validator.is_valid({})
    assert not validator.is_valid({**sample.input_example, "something_else": 1})


def test_it_says_what_it_is_for_and_what_its_inputs_mean(sample):
    assert sample.summary.endswith(".")
    assert sample.document["description"].endswith(".")
    if sample.slug != "data-pipeline":
        properties = sample.document["input_schema"]["properties"].values()
        assert all(found["description"].endswith(".") for found in properties)


def test_no_two_agents_are_asked_the_same(sample):
    prompts = [
        (block["task"], agent["system_prompt"])
        for block in sample.document["blocks"]
        for agent in block.get("agents", ())
    ]

    assert all(prompt.endswith(".") for _, prompt in prompts)
    assert len(set(prompts)) == len(prompts)


async def test_it_runs_with_the_stand_in(sample):
    outcome = await run(sample.document, sample.input_example)

    assert outcome.status == "completed", outcome.error
    assert outcome.degraded == ()
    assert outcome.result not in (None, "", {}, [])
    schema = sample.document["output_schema"]
    if schema is not None:
        jsonschema_rs.validator_for(schema).validate(outcome.result)


async def test_it_runs_with_the_required_inputs_alone(sample):
    required = sample.document["input_schema"]["required"]

    outcome = await run(sample.document, {key: sample.input_example[key] for key in required})

    assert outcome.status == "completed", outcome.error


async def test_the_same_input_gives_the_same_result(sample):
    first = await run(sample.document, sample.input_example)

    assert (await run(sample.document, sample.input_example)).result == first.result


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_it_runs_under_other_names_and_in_another_order(sample, seed):
    outcome = await run(renamed(sample.document, seed), sample.input_example)

    assert outcome.status == "completed", outcome.error
    assert outcome.degraded == ()
    assert outcome.result not in (None, "", {}, [])


@pytest.mark.parametrize(
    ("message", "reached"),
    [
        ("Please refund the payment of my last invoice.", "letter"),
        ("The app shows errors after I changed my password.", "letter"),
        ("No answer needed: praise for your app, and wishes and ideas for it.", "suggestion_box"),
    ],
)
async def test_support_routing_takes_one_branch(message, reached):
    document = SAMPLES["support-routing"].document

    outcome = await run(document, {"message": message})

    assert list(outcome.result) == [reached]
    desks = {"billing_desk", "technical_desk", "suggestion_box"} & set(outcome.block_outputs)
    assert len(desks) == 1


async def test_support_routing_raises_an_alarm_for_urgent_messages():
    given = {**SAMPLES["support-routing"].input_example, "priority": 5}

    outcome = await run(SAMPLES["support-routing"].document, given)

    assert outcome.result["alarm"] == "Urgent (billing): message of customer C-1042."
    assert "letter" in outcome.result


# --- Other names ----------------------------------------------------------------------------------


def agents(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [agent for block in document["blocks"] for agent in block.get("agents", [])]


def renamed(document: dict[str, Any], seed: int) -> dict[str, Any]:
    """The same design with other ids, names, labels and routes, and its blocks shuffled."""
    chance = random.Random(seed)
    changed = json.loads(json.dumps(document))
    parts = [*changed["blocks"], *agents(changed), *changed["connections"]]
    routes = [c["route"] for c in changed["connections"] if c.get("route", ROUTES[0]) not in ROUTES]
    old = list(dict.fromkeys([*(part["id"] for part in parts), *routes]))
    new = {name: f"z{number}" for number, name in enumerate(chance.sample(old, len(old)))}
    changed = _with_names(changed, new)
    for number, part in enumerate([changed, *changed["blocks"], *agents(changed)]):
        part.update({key: f"Part {number}" for key in ("name", "label") if key in part})
    chance.shuffle(changed["blocks"])
    return changed


def _with_names(value: Any, new: dict[str, str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _with_names(item, new, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_names(item, new, key) for item in value]
    ends = ("id", "source", "target", "source_agent", "target_agent", "route", "default_route")
    if key in ends:
        return new.get(value, value)
    if isinstance(value, str):
        return re.sub(
            r"\b(blocks|incoming)\.(\w+)", lambda m: f"{m[1]}.{new.get(m[2], m[2])}", value
        )
    return value
