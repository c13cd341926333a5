"""What waits inside designs: requests of items stay apart, and the others go on meanwhile."""

from __future__ import annotations

from designs.patterns.catalogue import check_document
from executor.engine.runner import compile_graph
from tests.graphs import asking, design, link
from tests.scripted import play

ASK = {"id": "ask", "type": "approval", "settings": {"group": "g", "question": "Go on?"}}


def asking_people():
    inner = design([asking("before"), ASK, asking("after")],
                   [link("before", "ask"), link("ask", "after", route="approved")])  # fmt: skip
    settings = {"items": "`[1, 2, 3]`", "path": "/ask", "max_concurrency": 3}
    graph = check_document(inner).graph
    return (
        design([{"id": "each", "type": "map", "settings": settings}]),
        {"/ask": compile_graph(graph)},
    )


async def test_each_item_has_a_request_of_its_own_and_goes_on_by_its_own_answer():
    document, nested = asking_people()

    first = await play(document, nested=nested)

    keys = [f"each[{number}]>ask/-/1/approval" for number in range(3)]
    assert first.outcome.status == "waiting"
    assert [need.key for need in first.outcome.needs] == keys
    assert [need.block_id for need in first.outcome.needs] == [
        f"each[{number}]>ask" for number in range(3)
    ]
    decided = dict.fromkeys(keys[:2], {"decision": "approved", "votes": [], "answers": {}})
    second = await play(document, nested=nested, steps=first.steps, decisions=decided)

    assert second.outcome.status == "waiting"
    assert [need.key for need in second.outcome.needs] == keys[2:]
    # What was done before is not asked again; the approved ones went on.
    assert sorted(second.model.calls) == [
        "each[0]>after/writer/1/answer", "each[1]>after/writer/1/answer",
    ]  # fmt: skip
    decided[keys[2]] = {"decision": "approved", "votes": [], "answers": {}}
    third = await play(document, nested=nested, steps=second.steps, decisions=decided)

    assert third.model.calls == ["each[2]>after/writer/1/answer"]
    assert third.result["failed"] == []
