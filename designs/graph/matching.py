"""Which part of one document is which part of another: by id, then by equal content."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, TypeGuard

from designs.graph.same_values import key_of

Part = dict[str, Any]
# Before and after; one of them is None for a part that came or went.
Pair = tuple[Part | None, Part | None]

# What tells nothing about whether a part is the same under another name.
_NAMING = ("id", "position")
# Longer lists are no lists of parts: no valid document has them.
MAX_PARTS = 5_000
_ENDS = (("source", "source_agent"), ("target", "target_agent"))


def parts_of(value: object) -> list[Part]:
    """The parts of a list; what is no object there is a part that has this value alone."""
    if not is_list(value):
        return []
    return [part if isinstance(part, dict) else {"value": part} for part in value]


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list) and len(value) <= MAX_PARTS


def id_of(part: Part) -> str:
    """Empty without one."""
    name = part.get("id")
    return name if isinstance(name, str) else ""


def matched(before: list[Part], after: list[Part]) -> list[Pair]:
    """Every part once: those of `after` in their order, then those that went."""
    return _Matching(before, after).by(id_of).by(content_of).pairs()


def matched_connections(before: list[Part], after: list[Part]) -> list[Pair]:
    """The same for connections: what they say comes first, since nothing names their ids."""
    return _Matching(before, after).by(content_of).by(id_of, fits=_leads_alike).pairs()


class _Matching:
    def __init__(self, before: list[Part], after: list[Part]) -> None:
        self._before, self._after = before, after
        self._partners: dict[int, int] = {}
        self._free = dict(enumerate(before))

    def by(
        self, key: Callable[[Part], Any], fits: Callable[[Part, Part], bool] | None = None
    ) -> _Matching:
        """Match parts that have no partner yet and equal keys; empty ones count for nothing."""
        if not self._free or len(self._partners) == len(self._after):
            return self
        places: defaultdict[Any, deque[int]] = defaultdict(deque)
        for index, part in self._free.items():
            if name := key(part):
                places[name].append(index)
        for index, part in enumerate(self._after):
            found = places.get(key(part)) if index not in self._partners else None
            if found and (not fits or fits(self._before[found[0]], part)):
                self._partners[index] = found.popleft()
                del self._free[self._partners[index]]
        return self

    def pairs(self) -> list[Pair]:
        old = {index: self._before[place] for index, place in self._partners.items()}
        kept: list[Pair] = [(old.get(index), part) for index, part in enumerate(self._after)]
        return [*kept, *((part, None) for part in self._free.values())]


def content_of(part: Part) -> Any:
    return key_of({key: value for key, value in part.items() if key not in _NAMING})


def _leads_alike(one: Part, other: Part) -> bool:
    """Whether two connections have an end in common: else only their ids are the same."""
    return any(one.get(block) == other.get(block) for block, _ in _ENDS)


def matched_agents(old: Part | None, new: Part | None) -> tuple[list[Part], list[Pair]]:
    """The older agents of a block, and its agents in both documents."""
    before, after = (parts_of(part.get("agents")) if part else [] for part in (old, new))
    return before, matched(before, after)


class Matches:
    """All parts of two documents: `agents` has those of each pair of blocks; `ends` are the older
    connections with the newer ids.
    """

    def __init__(self, before: Part, after: Part) -> None:
        self.old_blocks = parts_of(before.get("blocks"))
        self.blocks = matched(self.old_blocks, parts_of(after.get("blocks")))
        self.agents = [matched_agents(*pair) for pair in self.blocks]
        renames = Renames(self.blocks, [pairs for _, pairs in self.agents])
        self.ends = [renames.applied(part) for part in parts_of(before.get("connections"))]
        self.connections = matched_connections(self.ends, parts_of(after.get("connections")))


class Renames:
    """Blocks and agents that have another id now. `agents` are the pairs of each pair of blocks."""

    def __init__(self, blocks: list[Pair], agents: list[list[Pair]]) -> None:
        self._blocks: dict[Any, str] = {}
        self._agents: dict[tuple[Any, Any], str] = {}
        for (old, new), inside in zip(blocks, agents, strict=True):
            if old is None or new is None:
                continue
            if id_of(old) != id_of(new):
                self._blocks[id_of(old)] = id_of(new)
            for was, now in inside:
                if was is not None and now is not None and id_of(was) != id_of(now):
                    self._agents[id_of(old), id_of(was)] = id_of(now)

    def applied(self, connection: Part) -> Part:
        """The connection with the newer ids."""
        renamed = dict(connection)
        for block, agent in _ENDS:
            name, whom = connection.get(block), connection.get(agent)
            if isinstance(name, str):
                renamed[block] = self._blocks.get(name, name)
                if isinstance(whom, str):
                    renamed[agent] = self._agents.get((name, whom), whom)
        return renamed
