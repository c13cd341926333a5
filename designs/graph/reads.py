"""Finds the names of the run that an expression reads, from its parse tree alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from designs.graph.grammar import Node
from designs.graph.trees import operands

# A path from the run's names, as in ("blocks", "score", "output"); None inside a computed value.
Place = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Reads:
    """`paths` are in order and unique; `everything` means that all names are read as one value."""

    paths: tuple[tuple[str, ...], ...]
    everything: bool

    def reads(self, name: str) -> bool:
        return self.everything or any(path[0] == name for path in self.paths)

    @property
    def nothing(self) -> bool:
        """True for an expression that has the same value in every run."""
        return not self.paths and not self.everything


_IN_TURN = ("subexpression", "pipe", "index_expression")
_STARTED_AT = ("execution", "started_at")


def find_reads(trees: Iterable[Node]) -> Reads:
    """The reads of all these trees together. The trees must be of bounded depth."""
    paths: dict[tuple[str, ...], None] = {}
    for tree in trees:
        found = _Found(paths)
        found.use(found.follow(tree, ()))
    everything = paths.pop((), 0) is None
    return Reads(tuple(paths), everything)


@dataclass(slots=True)
class _Found:
    """The paths read so far, and where the values of one tree's variables are from."""

    paths: dict[tuple[str, ...], None]
    variables: dict[int, Place] = field(default_factory=dict)
    unused: set[int] = field(default_factory=set)

    def use(self, place: Place) -> None:
        if place is not None:
            self.paths[place] = None

    def follow(self, node: Node, place: Place) -> Place:
        """The place of the node's value, if it is evaluated on the value at `place`."""
        kind, children = node["type"], list(operands(node))
        if kind == "field":
            return None if place is None else (*place, node["value"])
        if kind in _IN_TURN:
            return reduce(lambda at, child: self.follow(child, at), children, place)
        if kind in ("current", "identity"):
            return place
        if kind == "variable":
            self.unused.discard(node["value"])
            return self.variables[node["value"]]
        if kind == "let":
            return self._bound(node["value"], children, place)
        self._inside(node, children, place)
        return None

    def _bound(self, numbers: list[int], children: list[Node], place: Place) -> Place:
        *values, body = children
        for number, value in zip(numbers, values, strict=True):
            self.variables[number] = self.follow(value, place)
            self.unused.add(number)
        end = self.follow(body, place)
        for number in self.unused.intersection(numbers):
            self.use(self.variables[number])
        return end

    def _inside(self, node: Node, children: list[Node], place: Place) -> None:
        """Of a node whose value is computed."""
        kind = node["type"]
        if kind in ("projection", "value_projection", "filter_projection"):
            self.use(self.follow(children[0], place))
            children, place = children[1:], None
        elif kind == "expref":
            place = None
        elif kind in ("index", "slice"):
            self.use(place)
            children = []
        elif kind == "function_expression" and node["value"] == "now":
            self.use(_STARTED_AT)
        for child in children:
            self.use(self.follow(child, place))
