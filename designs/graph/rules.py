"""Checks a whole document and reports all problems at once, each with its place and a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel

from designs.graph.report import Report, excerpt
from designs.graph.schemas import check_schema
from designs.graph.shape import UNREAD, BlockEntry, read_part, read_parts
from designs.graph.spec import Block, Connection, Graph, Problem, Source
from designs.graph.structure import Layout, check_structure
from designs.graph.values import check_values
from designs.graph.wording import Wording


class PaletteEntry(Protocol):
    """The properties of a block type that the rules need."""

    @property
    def settings_type(self) -> type[BaseModel]: ...
    @property
    def roles(self) -> frozenset[str]: ...
    @property
    def min_agents(self) -> int: ...
    @property
    def max_agents(self) -> int: ...
    @property
    def chooses_routes(self) -> bool: ...

    def check(self, block: Block, settings: Any) -> Iterable[Problem]:
        """Problems by the type's own rules, with paths relative to the block."""
        ...

    def check_outgoing(
        self, block: Block, settings: Any, path: str, outgoing: Mapping[str, Connection]
    ) -> Iterable[Problem]:
        """Problems of the connections that leave the block, with paths from the document's root."""
        ...

    def sources(self, settings: Any) -> Iterable[Source]:
        """The expressions and templates in its settings, with paths relative to the block."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The graph if it can be run, else all problems."""

    graph: Graph | None
    problems: tuple[Problem, ...]


Palette = Mapping[str, PaletteEntry]


def check_graph(raw: object, palette: Palette, upcoming: Collection[str] = ()) -> CheckResult:
    """Check any value as a document. `upcoming` are block types that are not available yet.

    Never raises, and takes a bounded time for any value.
    """
    report = Report()
    check_values(raw, report)
    if len(report) == 0 and not isinstance(raw, dict):
        report.add("", "A design is an object with `name` and `blocks`.")
    if len(report) or not isinstance(raw, dict):
        return CheckResult(None, report.problems())
    parts = read_parts(raw, report)
    layout = check_structure(parts, report)
    wording = Wording(parts.ids, report)
    for entry in parts.blocks:
        _BlockRules(entry, layout, wording, report).check(palette, upcoming)
    _check_connections(layout, palette, wording, report)
    if parts.output is not None:
        wording.check_output(parts.output, "/output")
    for key in ("input_schema", "output_schema"):
        if isinstance(raw.get(key), dict):
            check_schema(raw[key], f"/{key}", report)
    _check_input_type(raw.get("input_schema"), report)
    graph = read_part(Graph, raw, "", report).part if len(report) == 0 else None
    return CheckResult(None if len(report) else graph, report.problems())


def _check_input_type(schema: Any, report: Report) -> None:
    kinds = schema.get("type", "object") if isinstance(schema, dict) else "object"
    if (
        isinstance(kinds, str | list)
        and "object" not in kinds
        and not report.has("/input_schema/type")
    ):
        report.add(
            "/input_schema/type",
            "The input of a run is an object, so no input would ever fit. "
            "Write `object`, and give it `properties`.",
        )


def _check_connections(layout: Layout, palette: Palette, wording: Wording, report: Report) -> None:
    for path, connection in layout.edges:
        source = layout.blocks[connection.source].block
        entry = palette.get(source.type)
        if connection.route is not None and entry is not None and not entry.chooses_routes:
            report.add(
                f"{path}/route",
                f"Block `{source.id}` chooses no routes, so nothing takes this one. "
                "Remove `route`, or give the connection a condition (`when`).",
            )
        if connection.when is not None:
            above = None if layout.above is None else layout.above[source.id] | {source.id}
            wording.check_expression(connection.when, f"{path}/when", above)


@dataclass(frozen=True, slots=True)
class _BlockRules:
    entry: BlockEntry
    layout: Layout
    wording: Wording
    report: Report

    def check(self, palette: Palette, upcoming: Collection[str]) -> None:
        block, path = self.entry.block, self.entry.path
        above = None if self.layout.above is None else self.layout.above.get(block.id)
        if self.entry.whole and block.on_error == "default" and block.default is None:
            self.report.add(
                f"{path}/default",
                "`on_error` is `default`: give the value that is handed on when the block fails.",
            )
        elif self.entry.whole and block.on_error != "default" and block.default is not None:
            self.report.add(
                f"{path}/default",
                "This is used only if `on_error` is `default`, and that is "
                f"`{block.on_error}`. Change one of them.",
            )
        self.wording.check_template(block.task, f"{path}/task", above)
        for place, agent in self.entry.agents:
            self.wording.check_template(agent.system_prompt, f"{place}/system_prompt", above)
        pattern = palette.get(block.type)
        if pattern is not None:
            self._check_agents(pattern)
            self._check_settings(pattern, above)
        elif block.type != UNREAD:
            types = ", ".join(f"`{name}`" for name in palette)
            problem = f"The block type `{block.type}` is not available yet. Use {types}."
            if block.type not in upcoming:
                hint = self.report.nearest(block.type, palette)
                problem = (
                    f"There is no block type `{excerpt(block.type)}`; there are {types}.{hint}"
                )
            self.report.add(f"{path}/type", problem)

    def _check_settings(self, pattern: PaletteEntry, above: Collection[str] | None) -> None:
        block, path = self.entry.block, self.entry.path
        result = read_part(pattern.settings_type, block.settings, f"{path}/settings", self.report)
        settings = result.part
        if settings is None:
            return
        wording = self.wording
        for source in pattern.sources(settings):
            check = wording.check_template if source.is_template else wording.check_expression
            check(source.text, path + source.path, above)
        if self.entry.whole and not result.wrong:
            for problem in pattern.check(block, settings):
                # Too few agents have been reported already.
                if problem.path != "/agents" or not self.report.has(f"{path}/agents"):
                    self.report.add(path + problem.path, problem.message)
            outgoing = {place: c for place, c in self.layout.edges if c.source == block.id}
            for problem in pattern.check_outgoing(block, settings, path, outgoing):
                self.report.add(problem.path, problem.message)

    def _check_agents(self, pattern: PaletteEntry) -> None:
        count, path = len(self.entry.block.agents), f"{self.entry.path}/agents"
        kind = self.entry.block.type
        if self.entry.whole and count < pattern.min_agents:
            least = _agents(pattern.min_agents)
            self.report.add(
                path, f"A {kind} block needs {least} or more, and has {count or 'none'}."
            )
        if count > pattern.max_agents:
            most = _agents(pattern.max_agents)
            wanted = f"has at most {most}" if pattern.max_agents else "has no agents. Remove them"
            self.report.add(path, f"A {kind} block {wanted}.")
            return
        for place, agent in self.entry.agents:
            if agent.role not in pattern.roles:
                allowed = ", ".join(f"`{role}`" for role in sorted(pattern.roles))
                self.report.add(
                    f"{place}/role",
                    f"A {kind} block has no place for the role `{agent.role}`. Use {allowed}.",
                )


def _agents(count: int) -> str:
    return f"{count} agent{'' if count == 1 else 's'}"
