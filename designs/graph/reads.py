"""Which names of the run an expression reads, found from its parse tree alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from designs.graph.interpreter import Node, operands

# A path from the run's names, as in ("blocks", "score", "output"); None: somewhere inside a value.
Place = tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Reads:
    """`paths` in order, without repeats; `everything`: all names are read as one value."""

    paths: tuple[tuple[str, ...], ...]
    everything: bool

    def reads(self, name: str) -> bool:
        """Whether it reads this name of the run, or something inside it."""
        return self.everything or any(path[0] == name for path in self.paths)

    @property
    def nothing(self) -> bool:
        """True for an expression that has the same value in every run."""
        return not self.paths and not self.everything


_IN_TURN = ("subexpression", "pipe", "index_expression")


def find_reads(trees: Iterable[Node]) -> Reads:
    """What the expressions of these trees read, together. The trees must not be deep."""
    found: dict[tuple[str, ...], None] = {}
    for tree in trees:
        _use(_follow(tree, (), found), found)
    everything = found.pop((), 0) is None
    return Reads(tuple(found), everything)


def _use(place: Place, found: dict[tuple[str, ...], None]) -> None:
    if place is not None:
        found[place] = None


def _follow(node: Node, place: Place, found: dict[tuple[str, ...], None]) -> Place:
    """Where the node's value stands, if `place` is where its own begins."""
    kind, children = node["type"], list(operands(node))
    if kind == "field":
        return None if place is None else (*place, node["value"])
    if kind in _IN_TURN:
        return reduce(lambda at, child: _follow(child, at, found), children, place)
    if kind in ("current", "identity"):
        return place
    if kind in ("projection", "value_projection", "filter_projection"):
        _use(_follow(children[0], place, found), found)
        children, place = children[1:], None
    elif kind == "expref":
        place = None
    elif kind in ("index", "slice"):
        _use(place, found)
        children = []
    for child in children:
        _use(_follow(child, place, found), found)
    return None
