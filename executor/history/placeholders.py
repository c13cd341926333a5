"""What the texts of a draft are worth with the data of a run of its design."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.spec import Connection
from designs.graph.worth import Appraisal, Layout, draft_layout, reads_of
from designs.patterns.base import BlockOutput
from executor.engine.arrivals import Arrival, brought_by, seen_by
from executor.engine.incoming import incoming_value
from executor.history.outputs import delivered, facts_of, outputs_of
from executor.models import BlockResult, BlockStatus, Execution


@dataclass(frozen=True)
class TextAsked:
    """A text of the draft and whose it is: an agent's of a block, a block's, a connection's
    condition, or (without any) the design's output.
    """

    text: str
    is_template: bool
    block_id: str | None = None
    agent_id: str | None = None
    connection_id: str | None = None


class TextOwnerUnknown(Exception):
    """The draft has no such block, agent or connection."""


def worth_of_texts(
    document: object,
    texts: Sequence[TextAsked],
    *,
    run: Execution | None,
    input_data: dict[str, Any] | None,
) -> list[dict[str, Any]]:
    """For each text what `Appraisal` says of it. Without an input that of the run is read."""
    layout = draft_layout(document)
    data = _RunData(layout, run, input_data, texts)
    appraisal = Appraisal()
    return [_worth(text, data, appraisal) for text in texts]


def _worth(text: TextAsked, data: _RunData, appraisal: Appraisal) -> dict[str, Any]:
    try:
        names = data.names_for(text)
    except TextOwnerUnknown as unknown:
        return {"error": str(unknown)}
    compute = appraisal.of_template if text.is_template else appraisal.of_expression
    return compute(text.text, names)


class _RunData:
    """The names of expressions, from the rows of a run: only of blocks that one of the texts
    reads.
    """

    def __init__(
        self,
        layout: Layout,
        run: Execution | None,
        input_data: dict[str, Any] | None,
        texts: Sequence[TextAsked],
    ) -> None:
        self._layout = layout
        self._connections = {connection.id: connection for _, connection in layout.edges}
        self._input = (run.input_data if run else {}) if input_data is None else input_data
        self._facts = {} if run is None else facts_of(run)
        self._outputs: dict[str, BlockOutput] = {}
        self._taken: dict[str, frozenset[str]] = {}
        if run is not None:
            needed = {name for text in texts for name in self._read_by(text)}
            agents = {
                name: [agent.id for agent in layout.blocks[name].block.agents]
                for name in needed
                if name in layout.blocks
            }
            self._outputs = delivered(outputs_of(run, agents), agents)
            targets = {text.block_id for text in texts if text.block_id is not None}
            rows = BlockResult.objects.filter(execution=run, block_id__in=targets)
            for row in rows.defer("output", "by_agent"):
                if row.status == BlockStatus.SKIPPED:
                    self._taken[row.block_id] = frozenset()
                elif row.taken is not None:
                    self._taken[row.block_id] = frozenset(row.taken)

    def names_for(self, text: TextAsked) -> dict[str, Any]:
        """Raises TextOwnerUnknown."""
        visible = self._visible_to(text)
        blocks = {
            name: {"output": self._outputs[name].value}
            for name in self._layout.blocks
            if name in visible and name in self._outputs
        }
        return {
            "input": self._input,
            "blocks": blocks,
            "execution": self._facts,
            "incoming": self._incoming(text),
        }

    def _incoming(self, text: TextAsked) -> Any:
        if text.connection_id is not None:
            connection = self._connections[text.connection_id]
            return incoming_value([delivery for delivery, _ in self._arrivals([connection])])
        if text.block_id is None:
            return None
        block = self._layout.blocks[text.block_id].block
        if text.agent_id is not None and text.agent_id not in [a.id for a in block.agents]:
            raise TextOwnerUnknown(f"Block '{block.id}' has no agent '{text.agent_id}'.")
        taken = self._taken.get(block.id)
        arrivals = self._arrivals(
            connection
            for _, connection in self._layout.edges
            if connection.target == block.id and (taken is None or connection.id in taken)
        )
        return incoming_value(seen_by(block, text.agent_id, arrivals))

    def _arrivals(self, connections: Iterable[Connection]) -> list[Arrival]:
        known = [(c, self._outputs[c.source]) for c in connections if c.source in self._outputs]
        arrivals = [brought_by(connection, output) for connection, output in known]
        return [arrival for arrival in arrivals if arrival is not None]

    def _visible_to(self, text: TextAsked) -> Collection[str]:
        """The blocks whose outputs the text may read. Raises TextOwnerUnknown."""
        layout = self._layout
        if text.connection_id is not None:
            connection = self._connections.get(text.connection_id)
            if connection is None:
                raise TextOwnerUnknown(f"There is no connection '{text.connection_id}'.")
            return {*self._above(connection.source), connection.source}
        if text.block_id is None:
            return layout.blocks
        if text.block_id not in layout.blocks:
            raise TextOwnerUnknown(f"There is no block '{text.block_id}'.")
        return self._above(text.block_id)

    def _above(self, block_id: str) -> frozenset[str]:
        """None are known while the connections go in a circle."""
        above: Mapping[str, frozenset[str]] = self._layout.above or {}
        return above.get(block_id, frozenset())

    def _read_by(self, text: TextAsked) -> set[str]:
        try:
            visible = set(self._visible_to(text))
        except TextOwnerUnknown:
            return set()
        reads = reads_of(text.text, is_template=text.is_template)
        if reads.everything or ("blocks",) in reads.paths:
            return visible
        read = {path[1] for path in reads.paths if path[0] == "blocks" and len(path) > 1}
        if reads.reads("incoming"):
            if text.connection_id is not None:
                read.add(self._connections[text.connection_id].source)
            else:
                read |= {c.source for _, c in self._layout.edges if c.target == text.block_id}
        return read & visible
