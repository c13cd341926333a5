"""Why a run is degraded: in the document's order, rather than by time."""

from __future__ import annotations

from operator import itemgetter

from designs.graph.spec import Agent
from executor.engine.compile import CompiledBlock


class Reasons:
    __slots__ = ("_found", "_known")

    def __init__(self) -> None:
        # Each with the numbers of its block and agent, which give the order.
        self._found: list[tuple[int, int, str]] = []
        self._known: set[tuple[int, int, str]] = set()

    def add(self, block: CompiledBlock, reason: str, agent: Agent | None) -> bool:
        """False if it was there already."""
        agents = block.block.agents
        entry = (block.number, len(agents) if agent is None else agents.index(agent), reason)
        if entry in self._known:
            return False
        self._known.add(entry)
        self._found.append(entry)
        return True

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(reason for _, _, reason in sorted(self._found, key=itemgetter(0, 1)))
