"""People decide which connections of an approval are taken, also when the record is replayed."""

from __future__ import annotations

from typing import Any

import pytest

from designs.patterns.catalogue import check_document
from tests.graphs import Json, asking, link, transform
from tests.graphs import design as drawn
from tests.scripted import Played, play, problems_of

ROUTED = ("approved", "rejected", "timed_out")
VOTE = {"user": "ana", "verdict": "reject", "reason": "Too dear.", "at": "2026-01-01T00:00:00Z"}


def approval(**settings: Any) -> Json:
    asked = {"group": "finance", "question": "Pay {{ input.amount }} EUR?", **settings}
    return {"id": "release", "type": "approval", "settings": asked}


def branching(*routes: str, **settings: Any) -> Json:
    """A model call before, and one after each route."""
    names = routes or ROUTED
    blocks = [asking("before"), approval(**settings), *(asking(f"on_{name}") for name in names)]
    ways = [link("release", f"on_{name}", route=name) for name in names]
    return drawn(blocks, [link("before", "release"), *ways])


async def decided(document: Json, decision: str, **more: Any) -> Played:
    said = {"decision": decision, "by": "ana", "votes": [VOTE], "answers": None}
    given = {"amount": 1200}
    return await play(document, given=given, decisions={"release/-/1/approval": said}, **more)


def reached(played: Played) -> set[str]:
    return {name for name in played.outcome.block_outputs if name.startswith("on_")}


async def test_the_run_waits_with_the_question_and_all_that_people_need() -> None:
    form = {"type": "object", "properties": {"cost_centre": {"type": "string"}}}
    document = branching(required=2, form=form, reason="optional", on_timeout="reject")
    played = await play(document, given={"amount": 1200})
    assert played.outcome.status == "waiting"
    (need,) = played.outcome.needs
    assert (need.key, need.kind, need.block_id) == ("release/-/1/approval", "approval", "release")
    assert need.due_at is not None
    assert need.request == {
        "group": "finance", "required": 2, "question": "Pay 1200 EUR?",
        "shown": played.outcome.block_outputs["before"], "form": form, "allows_self": False,
        "needs_reason": False, "on_due": "reject",
    }  # fmt: skip


async def test_without_an_incoming_connection_the_input_is_shown() -> None:
    played = await play(drawn([approval()]), given={"amount": 3})
    assert played.outcome.needs[0].request["shown"] == {"amount": 3}


@pytest.mark.parametrize("decision", ROUTED)
async def test_the_route_of_the_decision_is_taken_also_from_the_record(decision: str) -> None:
    played = await decided(branching(), decision)
    assert reached(played) == {f"on_{decision}"}
    output = played.outcome.block_outputs["release"]
    assert output == {"decision": decision, "votes": [VOTE], "answers": None}
    kept = {key: step for key, step in played.steps.items() if not key.startswith("on_")}
    again = await play(branching(), given={"amount": 1200}, steps=kept)
    assert reached(again) == {f"on_{decision}"}


@pytest.mark.parametrize(
    ("decision", "kind", "sentence"),
    [
        ("rejected", "rejected", "Block 'release': ana rejected it: Too dear."),
        ("timed_out", "timed_out", "Block 'release': nobody decided in time."),
        ("fail", "timed_out", "Block 'release': nobody decided in time."),
    ],
)
async def test_without_a_connection_for_it_the_block_fails(
    decision: str, kind: str, sentence: str
) -> None:
    played = await decided(branching("approved"), decision)
    assert played.outcome.error is not None
    assert (played.outcome.error.kind, played.error) == (kind, sentence)
    assert not reached(played)


async def test_a_connection_without_a_route_is_taken_when_it_is_approved() -> None:
    document = drawn(
        [approval(), transform("next", "incoming.decision")], [link("release", "next")]
    )
    assert (await decided(document, "approved")).result == "approved"
    assert (await decided(document, "rejected")).outcome.status == "failed"


async def test_at_the_end_of_a_design_its_output_is_the_result() -> None:
    assert (await decided(drawn([approval()]), "approved")).result["decision"] == "approved"


def test_only_its_three_routes_are_there() -> None:
    document = branching()
    document["connections"][1]["route"] = "maybe"
    path = "/connections/1/route"
    assert list(problems_of(document)) == [path]
    assert "`approved`, `rejected`, `timed_out`" in problems_of(document)[path]


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        ({"group": ""}, "/blocks/0/settings/group"),
        ({"required": 0}, "/blocks/0/settings/required"),
        ({"required": True}, "/blocks/0/settings/required"),
        ({"question": " "}, "/blocks/0/settings/question"),
        ({"show": "input."}, "/blocks/0/settings/show"),
        ({"timeout_seconds": 2_592_001}, "/blocks/0/settings/timeout_seconds"),
        ({"form": {"type": "array"}}, "/blocks/0/settings/form/type"),
        ({"form": {"type": "object", "properties": 3}}, "/blocks/0/settings/form/properties"),
        ({"on_timeout": "go"}, "/blocks/0/settings/on_timeout"),
    ],
)
def test_settings_that_cannot_be_asked_are_problems(settings: Json, path: str) -> None:
    assert list(problems_of(drawn([approval(**settings)]))) == [path]


def test_a_default_value_is_no_decision() -> None:
    document = branching()
    document["blocks"][1] |= {"on_error": "default", "default": 1}
    assert list(problems_of(document)) == ["/blocks/1/on_error"]
    assert check_document(drawn([{**approval(), "on_error": "default", "default": 1}])).graph
