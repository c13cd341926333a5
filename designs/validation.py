"""The whole answer about a document: its problems, hints, and what a run of it takes at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from designs.access import Caller
from designs.graph.bounds import Bound, Price, bound_of
from designs.graph.rules import CheckResult
from designs.graph.spec import Graph, Problem
from designs.nested.places import graph_finder
from designs.nested.problems import check_with_nested
from designs.patterns.catalogue import PALETTE
from designs.patterns.hints import hints

CENT_PARTS = Decimal("0.0001")
# Of more models than this in one design nothing is asked.
MAX_MODELS = 20


@dataclass(frozen=True, slots=True)
class ModelFact:
    """A price of None is unknown. A hosted model may be away or overloaded. A model that is not
    there, or only stands in for one, is not real.
    """

    price: Price | None = None
    is_hosted: bool = False
    is_real: bool = False


class ModelFacts(Protocol):
    """What the app that runs designs says of the installation's models."""

    def default_models(self) -> tuple[str, ...]: ...

    def fact(self, name: str) -> ModelFact:
        """Blocks. A model that is not there has no known price."""
        ...


@dataclass(frozen=True, slots=True)
class Validation:
    """`hints` and `bound` are for documents without problems only."""

    checked: CheckResult
    hints: tuple[Problem, ...]
    bound: Bound | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.checked.problems


def validate(document: object, caller: Caller | None = None) -> Validation:
    """Check any value as a design's document; with a caller, also that the caller may see what it
    plays. Never raises for any document.
    """
    checked = check_with_nested(document, caller)
    graph = checked.graph
    if graph is None:
        return Validation(checked, (), None)
    models = model_facts()
    fact = _Facts(models)
    fallbacks = [name for name in models.default_models() if fact(name).is_real]
    found = hints(graph, lambda name: fact(name).is_hosted, fallbacks)
    return Validation(checked, found, _bound(document, graph, models, fact))


def model_facts() -> ModelFacts:
    # By name, because designs know nothing of how they are run.
    find: Callable[[], ModelFacts] = import_string(settings.MODEL_FACTS)
    return find()


def problem_json(problem: Problem) -> dict[str, Any]:
    shown: dict[str, Any] = {"path": problem.path, "message": problem.message}
    if problem.fix is not None:
        shown["fix"] = {"label": problem.fix.label, "patch": list(problem.fix.patch)}
    return shown


def bound_json(bound: Bound | None) -> dict[str, Any] | None:
    """Costs are rounded up, so that no call looks free."""
    if bound is None:
        return None
    return {
        "calls": bound.calls,
        "calls_with_retries": bound.calls_with_retries,
        "tokens_out": bound.tokens_out,
        "cost_usd": _dollars(bound.cost_usd),
        "unpriced": list(bound.unpriced),
        "blocks": {
            name: {
                "calls": block.calls,
                "tokens_out": block.tokens_out,
                "cost_usd": _dollars(block.cost_usd),
            }
            for name, block in bound.blocks.items()
        },
    }


def _dollars(cost: Decimal | None) -> str | None:
    return None if cost is None else str(cost.quantize(CENT_PARTS, ROUND_CEILING))


class _Facts:
    """Each model of one document is asked about once."""

    def __init__(self, models: ModelFacts) -> None:
        self._models = models
        self._known: dict[str, ModelFact] = {}

    def __call__(self, name: str) -> ModelFact:
        if name not in self._known and len(self._known) < MAX_MODELS:
            self._known[name] = self._models.fact(name)
        return self._known.get(name, ModelFact())


def _bound(document: object, graph: Graph, models: ModelFacts, fact: _Facts) -> Bound:
    defaults, graph_of = models.default_models(), graph_finder(document)
    return bound_of(graph, PALETTE, defaults, lambda name: fact(name).price, graph_of)
