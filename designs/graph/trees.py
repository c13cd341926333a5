"""Questions about JMESPath's parse trees."""

from __future__ import annotations

from collections.abc import Iterator

from designs.graph.grammar import Node

MAX_DEPTH = 50
# A chain of these is as deep in the tree as it is long in the text, so it runs as one loop.
CHAINS = frozenset({"or_expression", "and_expression", "pipe"})


def tree_depth(tree: Node) -> int:
    """The depth of the parse tree; counting stops one level beyond MAX_DEPTH."""
    deepest, pending = 0, [(tree, 1)]
    while pending and deepest <= MAX_DEPTH:
        node, depth = pending.pop()
        deepest = max(deepest, depth)
        pending.extend((child, depth + 1) for child in operands(node))
    return deepest


def operands(node: Node) -> Iterator[Node]:
    """A node's operands; a chain of one operator is flattened, from left to right."""
    if node["type"] not in CHAINS:
        yield from (child for child in node["children"] if isinstance(child, dict))
        return
    rights = []
    left = node
    while left["type"] == node["type"]:
        left, right = left["children"]
        rights.append(right)
    yield left
    yield from reversed(rights)


def field_names(node: Node) -> tuple[str, ...] | None:
    """The names of a path of fields, as in `blocks.score.output`; None for anything else."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    paths = [field_names(child) for child in node["children"]]
    return None if None in paths else tuple(name for path in paths if path for name in path)
