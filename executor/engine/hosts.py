"""A run, or a graph that is played inside one, as its blocks see it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from designs.graph.spec import Agent
from executor.engine.compile import CompiledBlock, CompiledGraph
from executor.engine.evaluation import Evaluation
from executor.engine.parking import Activity
from executor.engine.places import MakePlays
from executor.engine.step_run import Host


class BlockHost(Host, Protocol):
    """The run, as a block sees it. Keys of its steps begin with `prefix`."""

    activity: Activity
    compiled: CompiledGraph
    prefix: str

    @property
    def deadline(self) -> float | None: ...

    def under_way(self) -> Activity: ...

    def scope(self, ancestors: Sequence[str] | None) -> dict[str, Any]:
        """Names for expressions: `input`, `execution`, and `blocks` with the ancestors' outputs."""
        ...

    def degrade(self, block: CompiledBlock, reason: str, agent: Agent | None = None) -> None:
        """Note a reason why the result is incomplete, for one agent or for the block."""
        ...

    def evaluation(self, block: CompiledBlock) -> Evaluation: ...

    @property
    def plays(self) -> MakePlays:
        """Makes what plays graphs inside a block of this host."""
        ...

    def standing_still(self) -> AbstractContextManager[None]:
        """Within it no time passes for the blocks around this host, if there are any."""
        ...
