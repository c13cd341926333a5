"""A design without problems, and what becomes of one error that is planted in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from designs.patterns.catalogue import check_document
from tests.graphs import Json, agent, asking, chain, design, transform
from tests.json_patch import patched

Plant = Callable[[Json], object]


def sound() -> Json:
    """A design without problems that uses everything."""
    desk = asking(
        "desk",
        agent("router", "moderator"), agent("billing", "specialist"),
        agent("technical", "specialist"),
        kind="routing", settings={"default_route": "technical"}, on_error="continue",
    )  # fmt: skip
    blocks = [
        desk,
        asking("views", "one", "two", agent("head", "moderator"), kind="parallel",
               settings={"require": 2}),
        asking("team", agent("lead", "manager"), "one", "two", kind="hierarchical"),
        asking("talk", "one", "two", agent("judge", "moderator"), kind="debate"),
        asking("polish", "writer", agent("critic", "reflector"), kind="reflection"),
        asking("letter", task="Write {{ blocks.desk.output }} on {{ execution.id }} by {{input.a}}",
               retries=3, on_error="default", default="none"),
        {"id": "release", "type": "approval", "settings": {"group": "Operator", "question": "Go?"}},
        transform("last", "blocks.letter.output"),
    ]  # fmt: skip
    names = [block["id"] for block in blocks]
    return design(blocks, chain(*names), input_schema={"type": "object"}, output="blocks.last")


def at(document: Json, block: str) -> Json:
    return next(found for found in document["blocks"] if found["id"] == block)


def check_mending(plant: Plant, label: str) -> None:
    """The error's only problem has a mending of this label, and then none is left; without a label
    there is no mending.
    """
    document = sound()
    plant(document)
    before = copy.deepcopy(document)

    problems = check_document(document).problems

    assert problems
    if not label:
        assert [problem.fix for problem in problems] == [None] * len(problems)
        return
    mended: Any = document
    for problem in problems:
        assert problem.fix is not None, problem
        assert problem.fix.label == label
        mended = patched(mended, problem.fix.patch)
        if len(problems) > 1 and check_document(mended).problems == ():
            break
    assert check_document(mended).problems == ()
    assert document == before
