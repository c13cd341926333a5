"""Gives ids that break the rule new ones, and follows them to wherever they are named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jmespath.exceptions import JMESPathError
from jmespath.lexer import Lexer

from designs.graph.expressions import ExpressionError, Template
from designs.graph.report import excerpt
from designs.graph.spec import ID_PATTERN

MAX_LENGTH = 64
Note = Callable[[str, str], None]
Names = Mapping[str, str]

_ID = re.compile(ID_PATTERN)
_IDENTIFIERS = ("unquoted_identifier", "quoted_identifier")


def rename_ids(document: dict[str, Any], note: Note, *, complete: bool) -> dict[str, Any]:
    """The document with ids that fit the rule; the same object if all do already.

    `note` hears of each new id. With `complete`, what has no id gets one too. Blocks, agents and
    connections must be lists of objects, their ids unique text.
    """
    blocks, connections = document.get("blocks", []), document.get("connections", [])
    block_ids = _Ids(blocks, "/blocks", "block", note, complete)
    agent_ids = [
        _Ids(block.get("agents", []), f"/blocks/{index}/agents", "agent", note, complete)
        for index, block in enumerate(blocks)
    ]
    connection_ids = _Ids(connections, "/connections", "connection", note, complete)
    if not any(ids.changed for ids in (block_ids, *agent_ids, connection_ids)):
        return document
    agents_of = {
        block["id"]: ids.new for block, ids in zip(blocks, agent_ids, strict=True) if "id" in block
    }
    sources = _several_sources(connections)
    renamed = {**document}
    if blocks:
        renamed["blocks"] = [
            _block(block, index, _References(block_ids.new, agents.new, sources), block_ids, agents)
            for index, (block, agents) in enumerate(zip(blocks, agent_ids, strict=True))
        ]
    if connections:
        renamed["connections"] = [
            _connection(connection_ids.applied(item, index), block_ids.new, agents_of)
            for index, item in enumerate(connections)
        ]
    if isinstance(document.get("output"), str):
        renamed["output"] = _either(document["output"], {"blocks": block_ids.new})
    return renamed


class _Ids:
    """The ids of one list: `new` has the renamed ones by their old names."""

    def __init__(
        self, items: list[dict[str, Any]], path: str, kind: str, note: Note, complete: bool
    ) -> None:
        self.new: dict[str, str] = {}
        self._by_index: dict[int, str] = {}
        self._taken = {name for item in items if _fits(name := item.get("id"))}
        self._numbers: dict[str, int] = {}
        for index, item in enumerate(items):
            old = item.get("id")
            if _fits(old) or (old is None and not complete):
                continue
            new = self._by_index[index] = self._free(_legal(old or "", kind))
            if old is None:
                note(f"{path}/{index}", f"This {kind} has no id, so it got `{new}`.")
            else:
                self.new[old] = new
                note(f"{path}/{index}/id", f"The id `{excerpt(old)}` became `{new}`.")

    @property
    def changed(self) -> bool:
        return bool(self._by_index)

    def applied(self, item: dict[str, Any], index: int) -> dict[str, Any]:
        """The item of that index with its id."""
        return {**item, "id": self._by_index[index]} if index in self._by_index else item

    def _free(self, name: str) -> str:
        candidate = name
        while candidate in self._taken:
            number = self._numbers[name] = self._numbers.get(name, 1) + 1
            ending = f"_{number}"
            candidate = name[: MAX_LENGTH - len(ending)] + ending
        self._taken.add(candidate)
        return candidate


def _fits(name: Any) -> bool:
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def _legal(name: str, kind: str) -> str:
    """The id that is most like this name."""
    plain = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode().lower()
    text = re.sub("[^a-z0-9_]+", "_", plain).strip("_")
    if not text or not text[0].isalpha():
        text = f"{kind}_{text}".rstrip("_")
    return text[:MAX_LENGTH]


# --- Where ids are named --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _References:
    """New names of blocks, of one block's agents, and the blocks with several sources."""

    blocks: Names
    agents: Names
    sources: Mapping[str, frozenset[str]]

    def roots(self, block_id: Any) -> dict[str, Names]:
        """What may be read by name, and how those names changed."""
        several = self.sources.get(block_id, frozenset()) if isinstance(block_id, str) else ()
        incoming = {old: new for old, new in self.blocks.items() if old in several}
        return {"blocks": self.blocks, "incoming": incoming}


def _several_sources(connections: list[dict[str, Any]]) -> dict[str, frozenset[str]]:
    """The sources of each block that has several: only then are they named in `incoming`."""
    found: dict[str, set[str]] = {}
    for connection in connections:
        source, target = connection.get("source"), connection.get("target")
        if isinstance(source, str) and isinstance(target, str):
            found.setdefault(target, set()).add(source)
    return {target: frozenset(sources) for target, sources in found.items() if len(sources) > 1}


def _block(
    block: dict[str, Any], index: int, references: _References, block_ids: _Ids, agent_ids: _Ids
) -> dict[str, Any]:
    roots = references.roots(block.get("id"))
    renamed = block_ids.applied({**block}, index)
    if isinstance(block.get("task"), str):
        renamed["task"] = renamed_template(block["task"], roots)
    if "agents" in block:
        renamed["agents"] = [
            _agent(agent_ids.applied(agent, place), roots)
            for place, agent in enumerate(block["agents"])
        ]
    if isinstance(block.get("settings"), dict):
        renamed["settings"] = _settings(block["settings"], references, roots)
    return renamed


def _agent(agent: dict[str, Any], roots: Mapping[str, Names]) -> dict[str, Any]:
    prompt = agent.get("system_prompt")
    if not isinstance(prompt, str):
        return agent
    return {**agent, "system_prompt": renamed_template(prompt, roots)}


def _settings(
    settings: dict[str, Any], references: _References, roots: Mapping[str, Names]
) -> dict[str, Any]:
    """The settings in which ids are named: a transform's two, and where a router sends the rest."""
    renamed = {**settings}
    if isinstance(settings.get("expression"), str):
        renamed["expression"] = renamed_expression(settings["expression"], roots)
    if isinstance(settings.get("template"), str):
        renamed["template"] = renamed_template(settings["template"], roots)
    route = settings.get("default_route")
    if isinstance(route, str):
        renamed["default_route"] = references.agents.get(route, references.blocks.get(route, route))
    return renamed


def _connection(
    connection: dict[str, Any], blocks: Names, agents_of: Mapping[str, Names]
) -> dict[str, Any]:
    renamed = {**connection}
    for end in ("source", "target"):
        block_id, agent_id = connection.get(end), connection.get(f"{end}_agent")
        if not isinstance(block_id, str):
            continue
        renamed[end] = blocks.get(block_id, block_id)
        if isinstance(agent_id, str):
            renamed[f"{end}_agent"] = agents_of.get(block_id, {}).get(agent_id, agent_id)
    source, route = connection.get("source"), connection.get("route")
    if isinstance(source, str) and isinstance(route, str):
        # As with `default_route`: a specialist of the source, or a block.
        renamed["route"] = agents_of.get(source, {}).get(route, blocks.get(route, route))
    if isinstance(connection.get("when"), str):
        renamed["when"] = renamed_expression(connection["when"], {"blocks": blocks})
    return renamed


# --- Expressions ----------------------------------------------------------------------------------


def renamed_template(source: str, roots: Mapping[str, Names]) -> str:
    """The template with new names in its expressions; as it is if it cannot be read."""
    try:
        expressions = Template.compile(source).expressions if "{{" in source else ()
    except ExpressionError:
        return source
    changed = {old: new for old in expressions if (new := renamed_expression(old, roots)) != old}
    if not changed:
        return source
    either = "|".join(re.escape(old) for old in sorted(changed, key=len, reverse=True))
    return re.sub(
        rf"(?<!\\)(\{{\{{\s*)({either})(\s*\}}\}})",
        lambda found: found[1] + changed[found[2]] + found[3],
        source,
    )


def renamed_expression(source: str, roots: Mapping[str, Names]) -> str:
    """The expression with new names where it says `blocks.<id>` or the like; as it is if it cannot
    be read.

    `roots` has the new names by the word that they follow.
    """
    if not any(roots.values()):
        return source
    try:
        tokens = list(Lexer().tokenize(source))
    except (JMESPathError, ValueError):
        return source
    pieces, at = [], 0
    for number in range(len(tokens) - 3):
        token, dot, name = tokens[number : number + 3]
        new = (
            roots.get(token["value"], {}).get(name["value"]) if _is_name(token, dot, name) else None
        )
        if new is None or (number and tokens[number - 1]["type"] == "dot"):
            continue
        # The end of a quoted name is not said, but that of what follows it is.
        written = source[name["start"] : tokens[number + 3]["start"]].rstrip()
        pieces += [source[at : name["start"]], new]
        at = name["start"] + len(written)
    return "".join([*pieces, source[at:]])


def _is_name(token: Any, dot: Any, name: Any) -> bool:
    return token["type"] in _IDENTIFIERS and dot["type"] == "dot" and name["type"] in _IDENTIFIERS


def _either(source: str, roots: Mapping[str, Names]) -> str:
    """A design's `output`: a template if `{{` stands in it, else an expression."""
    return (renamed_template if "{{" in source else renamed_expression)(source, roots)
