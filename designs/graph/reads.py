"""Finds the names of the run that an expression reads, from its parse tree alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from designs.graph.interpreter import Node, operands

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


def find_reads(trees: Iterable[Node]) -> Reads:
    """The reads of all these trees together. The trees must be of bounded depth."""
    paths: dict[tuple[str, ...], None] = {}
    for tree in trees:
        _use(_follow(tree, (), paths), paths)
    everything = paths.pop((), 0) is None
    return Reads(tuple(paths), everything)


def _use(place: Place, paths: dict[tuple[str, ...], None]) -> None:
    if place is not None:
        paths[place] = None


def _follow(node: Node, place: Place, paths: dict[tuple[str, ...], None]) -> Place:
    """The place of the node's value, if it is evaluated on the value at `place`."""
    kind, children = node["type"], list(operands(node))
    if kind == "field":
        return None if place is None else (*place, node["value"])
    if kind in _IN_TURN:
        return reduce(lambda at, child: _follow(child, at, paths), children, place)
    if kind in ("current", "identity"):
        return place
    if kind in ("projection", "value_projection", "filter_projection"):
        _use(_follow(children[0], place, paths), paths)
        children, place = children[1:], None
    elif kind == "expref":
        place = None
    elif kind in ("index", "slice"):
        _use(place, paths)
        children = []
    for child in children:
        _use(_follow(child, place, paths), paths)
    return None
