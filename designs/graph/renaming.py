"""Replaces invalid ids, and renames every reference to them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jmespath.exceptions import JMESPathError

from designs.graph.expressions import ExpressionError, Template
from designs.graph.grammar import Lexer, Token
from designs.graph.report import excerpt
from designs.graph.spec import ID_PATTERN

MAX_LENGTH = 64
Note = Callable[[str, str], None]
Names = Mapping[str, str]

_ID = re.compile(ID_PATTERN)
_IDENTIFIERS = frozenset({"unquoted_identifier", "quoted_identifier"})


def rename_ids(document: dict[str, Any], note: Note, *, complete: bool) -> dict[str, Any]:
    """The document with valid ids; the same object if all are valid already.

    `note` is called for each new id. With `complete`, missing ids are added too. Blocks, agents
    and connections must be lists of objects, and their ids unique text.
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
    sources: dict[str, set[str]] = {}
    for connection in connections:
        source, target = connection.get("source"), connection.get("target")
        if isinstance(source, str) and isinstance(target, str):
            sources.setdefault(target, set()).add(source)
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
    output = document.get("output")
    if isinstance(output, str):
        rename = renamed_template if "{{" in output else renamed_expression
        renamed["output"] = rename(output, {"blocks": block_ids.new})
    return renamed


class _Ids:
    """The ids of one list. `new` maps old ids to new ones."""

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
            new = self._by_index[index] = self._new_id(old or "", kind)
            if old is None:
                note(f"{path}/{index}", f"This {kind} has no id, so it got `{new}`.")
            else:
                self.new[old] = new
                note(f"{path}/{index}/id", f"The id `{excerpt(old)}` became `{new}`.")

    @property
    def changed(self) -> bool:
        return bool(self._by_index)

    def applied(self, item: dict[str, Any], index: int) -> dict[str, Any]:
        return {**item, "id": self._by_index[index]} if index in self._by_index else item

    def _new_id(self, old: str, kind: str) -> str:
        """The valid id most similar to the old one, with a number if it is taken."""
        plain = unicodedata.normalize("NFKD", old[:200]).encode("ascii", "ignore").decode().lower()
        name = re.sub("[^a-z0-9_]+", "_", plain).strip("_")
        if not name or not name[0].isalpha():
            name = f"{kind}_{name}".rstrip("_")
        candidate = name = name[:MAX_LENGTH]
        while candidate in self._taken:
            number = self._numbers[name] = self._numbers.get(name, 1) + 1
            ending = f"_{number}"
            candidate = name[: MAX_LENGTH - len(ending)] + ending
        self._taken.add(candidate)
        return candidate


def _fits(name: Any) -> bool:
    return isinstance(name, str) and _ID.fullmatch(name) is not None


# --- References to ids ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _References:
    """New ids of all blocks and of one block's agents, and the sources of each block."""

    blocks: Names
    agents: Names
    sources: Mapping[str, set[str]]

    def roots(self, block_id: Any) -> dict[str, Names]:
        """The new ids by the name that they follow in an expression."""
        sources = self.sources.get(block_id, set()) if isinstance(block_id, str) else set()
        # `incoming` has an entry for each source only if there are several.
        named = sources if len(sources) > 1 else ()
        incoming = {old: new for old, new in self.blocks.items() if old in named}
        return {"blocks": self.blocks, "incoming": incoming}


def _block(
    block: dict[str, Any], index: int, references: _References, block_ids: _Ids, agent_ids: _Ids
) -> dict[str, Any]:
    roots = references.roots(block.get("id"))
    renamed = block_ids.applied({**_with_template(block, "task", roots)}, index)
    if "agents" in block:
        renamed["agents"] = [
            agent_ids.applied(_with_template(agent, "system_prompt", roots), place)
            for place, agent in enumerate(block["agents"])
        ]
    if isinstance(block.get("settings"), dict):
        # A transform's two settings, and the default route of a router.
        settings = {**_with_template(block["settings"], "template", roots)}
        route = settings.get("default_route")
        if isinstance(settings.get("expression"), str):
            settings["expression"] = renamed_expression(settings["expression"], roots)
        if isinstance(route, str):
            other = references.blocks.get(route, route)
            settings["default_route"] = references.agents.get(route, other)
        renamed["settings"] = settings
    return renamed


def _with_template(part: dict[str, Any], key: str, roots: Mapping[str, Names]) -> dict[str, Any]:
    text = part.get(key)
    return {**part, key: renamed_template(text, roots)} if isinstance(text, str) else part


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


def renamed_reads(source: str, old: tuple[str, ...], new: str, *, is_template: bool) -> str:
    """The text with the last name of the path `old` replaced: a name alone, or after another."""

    def rename(expression: str) -> str:
        if len(old) == 1:
            return _renamed_root(expression, old[0], new)
        return renamed_expression(expression, {old[0]: {old[1]: new}})

    return _rewritten(source, rename) if is_template else rename(source)


def renamed_template(source: str, roots: Mapping[str, Names]) -> str:
    """The template with new ids in its expressions; unchanged if it does not parse."""
    return _rewritten(source, lambda expression: renamed_expression(expression, roots))


def _rewritten(source: str, rewrite: Callable[[str], str]) -> str:
    try:
        expressions = Template.compile(source).expressions if "{{" in source else ()
    except ExpressionError:
        return source
    changed = {old: new for old in expressions if (new := rewrite(old)) != old}
    if not changed:
        return source
    either = "|".join(re.escape(old) for old in sorted(changed, key=len, reverse=True))
    return re.sub(
        rf"(?<!\\)(\{{\{{\s*)({either})(\s*\}}\}})",
        lambda match: match[1] + changed[match[2]] + match[3],
        source,
    )


def renamed_expression(source: str, roots: Mapping[str, Names]) -> str:
    """The expression with new ids, as in `blocks.<id>`; unchanged if it does not parse.

    `roots` has the new ids by the name that they follow.
    """
    if not any(roots.values()):
        return source
    try:
        tokens = list(Lexer().tokenize(source))
    except (JMESPathError, ValueError):
        return source
    pieces, at = [], 0
    roots = {**roots, **_named_roots(tokens, roots)}
    for number in range(len(tokens) - 3):
        token, dot, name = tokens[number : number + 3]
        begins = token["type"] == "variable" or token["type"] in _IDENTIFIERS
        is_path = begins and dot["type"] == "dot" and name["type"] in _IDENTIFIERS
        new = roots.get(token["value"], {}).get(name["value"]) if is_path else None
        if new is None or (number and tokens[number - 1]["type"] == "dot"):
            continue
        # A token has no end, so the start of the next one marks it.
        written = source[name["start"] : tokens[number + 3]["start"]].rstrip()
        pieces += [source[at : name["start"]], new]
        at = name["start"] + len(written)
    return "".join([*pieces, source[at:]])


def _named_roots(tokens: list[Token], roots: Mapping[str, Names]) -> dict[str, Names]:
    """The new ids behind a variable that stands for a root, as in `let $b = blocks in …`."""
    named: dict[str, Names] = {}
    for number, token in enumerate(tokens[:-3]):
        assign, root, after = tokens[number + 1 : number + 4]
        is_alone = after["type"] == "comma" or after["value"] == "in"
        if token["type"] == "variable" and assign["type"] == "assign" and is_alone:
            named[token["value"]] = roots.get(root["value"], {})
    return named


def _renamed_root(source: str, old: str, new: str) -> str:
    """The expression with a name replaced where it begins a path; the same if it does not parse."""
    try:
        tokens = list(Lexer().tokenize(source))
    except (JMESPathError, ValueError):
        return source
    pieces, at = [], 0
    for number, token in enumerate(tokens[:-1]):
        follows_dot = number > 0 and tokens[number - 1]["type"] == "dot"
        # A function, or the name of a property that is made.
        is_other = tokens[number + 1]["type"] in ("lparen", "colon")
        if (
            token["type"] in _IDENTIFIERS
            and token["value"] == old
            and not (follows_dot or is_other)
        ):
            written = source[token["start"] : tokens[number + 1]["start"]].rstrip()
            pieces += [source[at : token["start"]], new]
            at = token["start"] + len(written)
    return "".join([*pieces, source[at:]])
