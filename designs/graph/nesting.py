"""Designs inside designs: what a block plays, and where a document names other designs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.spec import Block

# Designs inside one another, the outermost included, and the blocks of all of them.
MAX_NESTED = 8
MAX_NESTED_BLOCKS = 2_000
# The types whose settings name a design, or hold a block in place.
TYPES = frozenset({"subdesign", "map", "loop"})
# An agent that names `deployments.support.translate` as a tool plays what is deployed at
# `/support/translate`.
TOOL_PREFIX = "deployments."


@dataclass(frozen=True, slots=True)
class Body:
    """What a block plays: a version of a design, what is deployed at a path, or a block in place.

    Exactly one of `design_id` (with `version`), `path` and `block` is set.
    """

    design_id: str | None = None
    version: int | None = None
    path: str | None = None
    block: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The name under which its graph is kept; empty for a block in place."""
        if self.path is not None:
            return self.path
        return "" if self.design_id is None else f"{self.design_id}@{self.version}"

    def __str__(self) -> str:
        if self.path is not None:
            return f"what is deployed at {self.path}"
        if self.design_id is None:
            return "a block in place"
        return f"version {self.version} of the design {self.design_id}"


@dataclass(frozen=True, slots=True)
class NamedBody:
    """A body that names a design, and the JSON pointer of its block's settings; of an agent's tool,
    if `is_tool`.
    """

    body: Body
    path: str
    label: str
    settings: Mapping[str, Any]
    is_tool: bool = False


def body_of_tool(name: object) -> Body | None:
    """What an agent plays as a tool of this name; None for a tool of a connection."""
    if not isinstance(name, str) or not name.startswith(TOOL_PREFIX):
        return None
    return Body(path="/" + name.removeprefix(TOOL_PREFIX).replace(".", "/"))


def bodies_of_tools(block: Block) -> list[Body]:
    """What the block's agents play as tools."""
    names = (tool.name for agent in block.agents for tool in agent.named_tools())
    return [body for name in names if (body := body_of_tool(name)) is not None]


def named_bodies(document: object) -> Iterator[NamedBody]:
    """The designs that a document names, also those of blocks in place. Takes any value."""
    blocks = document.get("blocks") if isinstance(document, dict) else None
    for number, block in enumerate(blocks if isinstance(blocks, list) else ()):
        yield from _named_in(block, f"/blocks/{number}")


def blocks_in(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The blocks of a checked document, those in place after the block that plays them."""
    for block in document.get("blocks") or ():
        yield from with_blocks_in_place(block)


def with_blocks_in_place(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    inside: Mapping[str, Any] | None = block
    while inside is not None:
        yield inside
        inside = block_in_place(inside)


def in_place_document(block: Mapping[str, Any], model: Any = None) -> dict[str, Any]:
    """A block in place as a design of its own; `model` is that of the design around it."""
    named = {} if model is None else {"model": model}
    blocks = [{"id": "block", **block}]
    return {"schema": 1, "name": "A block in place", **named, "blocks": blocks}


def block_in_place(block: Any) -> Mapping[str, Any] | None:
    """The block that this one plays in place, if it does."""
    settings = block.get("settings") if isinstance(block, Mapping) else None
    inner = settings.get("block") if isinstance(settings, Mapping) else None
    is_played = isinstance(block, Mapping) and block.get("type") in TYPES
    return inner if is_played and isinstance(inner, Mapping) else None


def _named_in(block: Any, path: str) -> Iterator[NamedBody]:
    while isinstance(block, Mapping):
        settings = block.get("settings")
        if block.get("type") in TYPES and isinstance(settings, Mapping):
            body = _body_of(settings)
            if body is not None:
                label = str(block.get("label") or block.get("id") or block.get("type"))
                yield NamedBody(body, f"{path}/settings", label, settings)
        yield from _named_by_agents(block, path)
        block, path = block_in_place(block), f"{path}/settings/block"


def _named_by_agents(block: Mapping[str, Any], path: str) -> Iterator[NamedBody]:
    for number, agent in enumerate(_listed(block.get("agents"))):
        tools = _listed(agent.get("tools")) if isinstance(agent, Mapping) else ()
        for place, tool in enumerate(tools):
            name = tool.get("name") if isinstance(tool, Mapping) else tool
            if (body := body_of_tool(name)) is not None:
                pointer = f"{path}/agents/{number}/tools/{place}"
                yield NamedBody(body, pointer, str(name), {}, is_tool=True)


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _body_of(settings: Mapping[str, Any]) -> Body | None:
    path, design_id, version = (settings.get(name) for name in ("path", "design_id", "version"))
    if isinstance(path, str):
        return Body(path=path)
    if isinstance(design_id, str) and type(version) is int:
        return Body(design_id=design_id, version=version)
    return None


def root_block(block_id: str) -> str:
    """The run's own block in which this one is played, or itself."""
    return block_id.partition(">")[0].partition("[")[0]


def place_inside(block_id: str) -> tuple[int | None, str]:
    """The number of the play in the run's own block, and the rest as in `each[3] › answer`."""
    first, _, rest = block_id.partition(">")
    number = first.partition("[")[2].removesuffix("]")
    return (int(number) if number.isdigit() else None), rest.replace(">", " › ")
