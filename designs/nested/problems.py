"""Problems of the designs that a document names: whether they are there for who asks."""

from __future__ import annotations

from designs.access import Caller
from designs.graph.nesting import NamedBody, named_bodies
from designs.graph.rules import CheckResult
from designs.graph.spec import Problem
from designs.nested.places import find_bodies
from designs.patterns.catalogue import check_document


def check_with_nested(document: object, caller: Caller | None = None) -> CheckResult:
    """The rules of documents, and that the designs that one names are there; with a caller, that
    the caller may see them. Reads the database only if it names any.
    """
    checked = check_document(document)
    if checked.problems:
        return checked
    problems = nested_problems(document, caller)
    return CheckResult(None, problems) if problems else checked


def nested_problems(document: object, caller: Caller | None = None) -> tuple[Problem, ...]:
    named = list(named_bodies(document))
    if not named:
        return ()
    found = find_bodies([one.body for one in named], caller)
    return tuple(_problem(one) for one in named if one.body.name not in found)


def _problem(one: NamedBody) -> Problem:
    body, name = one.body, one.settings.get("design_name")
    if body.path is not None:
        sentence = f"Nothing is deployed at `{body.path}` that you may see. Name another path."
        return Problem(one.path if one.is_tool else f"{one.path}/path", sentence)
    called = f" “{name}”" if isinstance(name, str) and name else ""
    return Problem(
        f"{one.path}/version",
        f"There is no version {body.version} of the design{called} with this id that you may see. "
        "Name a version that was published, of a design that is here.",
    )
