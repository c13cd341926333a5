"""Checks a whole document and reports all problems at once, each with its place and a sentence."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError

from designs.graph.answer_schemas import check_answer_schemas, not_combined
from designs.graph.fixes import (
    add_agents,
    applied,
    fix,
    moved,
    new_agents,
    remove_value,
    replace_value,
    set_value,
    under,
)
from designs.graph.nesting import Body, in_place_document
from designs.graph.report import Report, did_you_mean, excerpt
from designs.graph.schemas import check_schema
from designs.graph.shape import UNREAD, BlockEntry, read_part, read_parts
from designs.graph.spec import Agent, Block, Connection, Fix, Graph, Problem, Role, Source
from designs.graph.structure import Layout, check_structure, meaning_of
from designs.graph.values import check_values
from designs.graph.wording import Wording

# Guesses at what was meant that are tried, each by one more check of a document of this size.
MAX_GUESSES = 5
SMALL_PARTS = 500
# Block types that are not played in place.
NOT_IN_PLACE = frozenset({"approval"})
SMALL_CHARACTERS = 20_000


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
    @property
    def default_role(self) -> Role: ...
    @property
    def new_agents(self) -> Sequence[Agent]: ...

    def check(self, block: Block, settings: Any) -> Iterable[Problem]:
        """Problems by the type's own rules, with paths relative to the block."""
        ...

    def check_outgoing(
        self, block: Block, settings: Any, path: str, outgoing: Mapping[str, Connection]
    ) -> Iterable[Problem]:
        """Problems of the connections that leave the block, with paths from the document's root."""
        ...

    def answers_freely(self, block: Block, settings: Any) -> Collection[str]:
        """The agents that are asked for an answer in no form of the block's own, by id."""
        ...

    def sources(self, settings: Any) -> Iterable[Source]:
        """The expressions and templates in its settings, with paths relative to the block."""
        ...

    def body(self, settings: Any) -> Body | None:
        """What a block plays inside itself, if anything."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The graph if it can be run, else all problems."""

    graph: Graph | None
    problems: tuple[Problem, ...]


Palette = Mapping[str, PaletteEntry]


def check_graph(raw: object, palette: Palette) -> CheckResult:
    """Check any value as a document. Never raises, and takes a bounded time for any value."""
    result, is_small = _checked(raw, palette)
    if not any(problem.fix and problem.fix.is_guess for problem in result.problems):
        return result
    known = {(problem.path, problem.message) for problem in result.problems}
    problems = []
    left = MAX_GUESSES if is_small else 0
    for problem in result.problems:
        if problem.fix and problem.fix.is_guess:
            left -= 1
            guess = applied(raw, problem.fix.patch) if left >= 0 else None
            again = known if guess is None else _found(guess, palette)
            if not again < known:
                problem = replace(problem, fix=None)
        problems.append(problem)
    return CheckResult(None, tuple(problems))


def _found(raw: object, palette: Palette) -> set[tuple[str, str]]:
    problems = _checked(raw, palette)[0].problems
    return {(problem.path, problem.message) for problem in problems}


def _checked(raw: object, palette: Palette) -> tuple[CheckResult, bool]:
    """The result, and whether the document is so small that it may be checked several times."""
    report = Report()
    check_values(raw, report)
    if len(report) == 0 and not isinstance(raw, dict):
        report.add("", "A design is an object with `name` and `blocks`.")
    if len(report) or not isinstance(raw, dict):
        return CheckResult(None, report.problems()), False
    parts = read_parts(raw, report)
    layout = check_structure(parts, report)
    wording = Wording(parts.ids, report)
    for entry in parts.blocks:
        _BlockRules(entry, layout, wording, report).check(palette)
    _check_connections(layout, palette, wording, report)
    check_answer_schemas((agent for entry in parts.blocks for agent in entry.agents), report)
    if parts.output is not None:
        wording.check_output(parts.output, "/output")
    for key in ("input_schema", "output_schema"):
        if isinstance(raw.get(key), dict):
            check_schema(raw[key], f"/{key}", report)
    _check_input_type(raw.get("input_schema"), report)
    graph = read_part(Graph, raw, "", report).part if len(report) == 0 else None
    size = len(parts.blocks) + len(parts.connections)
    is_small = size <= SMALL_PARTS and wording.characters <= SMALL_CHARACTERS and not report.full
    return CheckResult(None if len(report) else graph, report.problems()), is_small


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
            fix("Write `object`", replace_value("/input_schema/type", "object")),
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
                _without_route(path, connection, layout),
            )
        if connection.when is not None:
            above = None if layout.above is None else layout.above[source.id] | {source.id}
            wording.check_expression(connection.when, f"{path}/when", above)


def _without_route(path: str, connection: Connection, layout: Layout) -> Fix | None:
    meaning = meaning_of(connection.model_copy(update={"route": None}))
    if meaning in layout.meanings:
        return None
    return fix("Remove the route", remove_value(f"{path}/route"))


@dataclass(frozen=True, slots=True)
class _BlockRules:
    entry: BlockEntry
    layout: Layout
    wording: Wording
    report: Report

    def check(self, palette: Palette) -> None:
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
                fix("Remove the default", remove_value(f"{path}/default")),
            )
        self.wording.check_template(block.task, f"{path}/task", above)
        for place, agent in self.entry.agents:
            self.wording.check_template(agent.system_prompt, f"{place}/system_prompt", above)
            self._check_tools(place, agent)
        pattern = palette.get(block.type)
        if pattern is not None:
            self._check_agents(pattern)
            self._check_settings(pattern, above, palette)
        elif block.type != UNREAD:
            types = ", ".join(f"`{name}`" for name in palette)
            mended = None
            near = self.report.nearest(block.type, palette)
            hint, kind = did_you_mean(near), excerpt(block.type)
            problem = f"There is no block type `{kind}`; there are {types}.{hint}"
            if near and self._may_be(palette[near], block):
                mended = fix(f"Use `{near}`", replace_value(f"{path}/type", near))
            self.report.add(f"{path}/type", problem, mended)

    def _check_tools(self, place: str, agent: Agent) -> None:
        names = [tool.name for tool in agent.named_tools()]
        for number, name in enumerate(names):
            if name in names[:number]:
                again = f"{place}/tools/{number}"
                sentence = f"The tool `{name}` is named twice. Remove one."
                self.report.add(again, sentence, fix("Remove it", remove_value(again)))

    def _check_settings(
        self,
        pattern: PaletteEntry,
        above: Collection[str] | None,
        palette: Palette,
    ) -> None:
        block, path = self.entry.block, self.entry.path
        result = read_part(pattern.settings_type, block.settings, f"{path}/settings", self.report)
        settings = result.part
        if settings is None:
            return
        wording = self.wording
        for source in pattern.sources(settings):
            check = wording.check_template if source.is_template else wording.check_expression
            check(source.text, path + source.path, above, source.names)
        body = pattern.body(settings)
        if body is not None and body.block is not None:
            self._check_in_place(body.block, f"{path}/settings/block", palette)
        if self.entry.whole and not result.wrong:
            self._check_as_a_whole(pattern, settings)

    def _check_as_a_whole(self, pattern: PaletteEntry, settings: BaseModel) -> None:
        block, path = self.entry.block, self.entry.path
        for problem in pattern.check(block, settings):
            # Too few agents have been reported already.
            if problem.path != "/agents" or not self.report.has(f"{path}/agents"):
                self._add(problem)
        for problem in pattern.check_outgoing(block, settings, path, self._outgoing):
            self.report.add(problem.path, problem.message, problem.fix)
        free = pattern.answers_freely(block, settings)
        for place, agent in self.entry.agents:
            if agent.output_schema is not None and agent.id not in free:
                problem = not_combined(place, block.type)
                self.report.add(problem.path, problem.message, problem.fix)

    def _check_in_place(self, raw: Mapping[str, Any], path: str, palette: Palette) -> None:
        """The rules of a design of this one block, which sees nothing of the blocks around it."""
        if raw.get("type") in NOT_IN_PLACE:
            sentence = "An approval has a place of its own in a design. Play a design that has one."
            self.report.add(f"{path}/type", sentence)
            return
        others = {name: entry for name, entry in palette.items() if name not in NOT_IN_PLACE}
        inner = _checked(in_place_document(raw), others)[0]
        for problem in inner.problems:
            found = moved(problem, "/blocks/0", path)
            self.report.add(found.path, found.message, found.fix)

    def _check_agents(self, pattern: PaletteEntry) -> None:
        block = self.entry.block
        count, kind = len(block.agents), block.type
        if self.entry.whole and count < pattern.min_agents:
            least = _agents(pattern.min_agents)
            sentence = f"A {kind} block needs {least} or more, and has {count or 'none'}."
            self._add(Problem("/agents", sentence, self._with_agents(pattern)))
        if count > pattern.max_agents:
            most = _agents(pattern.max_agents)
            wanted = f"has at most {most}" if pattern.max_agents else "has no agents. Remove them"
            without = None if pattern.max_agents else fix("Remove them", remove_value("/agents"))
            self._add(Problem("/agents", f"A {kind} block {wanted}.", without))
            return
        for number, (place, agent) in enumerate(self.entry.agents):
            if agent.role not in pattern.roles:
                allowed = ", ".join(f"`{role}`" for role in sorted(pattern.roles))
                self.report.add(
                    f"{place}/role",
                    f"A {kind} block has no place for the role `{agent.role}`. Use {allowed}.",
                    self._with_role(pattern, place, number),
                )

    def _with_agents(self, pattern: PaletteEntry) -> Fix | None:
        """The agents of a new block, or so many more that there are enough."""
        if self.report.full:
            return None
        block = self.entry.block
        least = pattern.min_agents - len(block.agents)
        choices = [] if block.agents else [list(pattern.new_agents)]
        choices += [new_agents(block, least + more, pattern.default_role) for more in range(3)]
        for added in choices:
            changed = block.model_copy(update={"agents": [*block.agents, *added]})
            if added and self._may_be(pattern, changed):
                return add_agents(block, added)
        return None

    def _may_be(self, pattern: PaletteEntry, block: Block) -> bool:
        """Whether such a block is right as one of this type, by the type's own rules."""
        try:
            settings = pattern.settings_type.model_validate(block.settings)
        except ValidationError:
            return False
        fits = pattern.min_agents <= len(block.agents) <= pattern.max_agents
        known = all(agent.role in pattern.roles for agent in block.agents)
        outgoing = self._outgoing
        routed = any(edge.route is not None for edge in outgoing.values())
        if not (fits and known) or (routed and not pattern.chooses_routes):
            return False
        path = self.entry.path
        problems = (
            *pattern.check(block, settings),
            *pattern.check_outgoing(block, settings, path, outgoing),
        )
        return not problems

    @property
    def _outgoing(self) -> dict[str, Connection]:
        return {place: c for place, c in self.layout.edges if c.source == self.entry.block.id}

    def _with_role(self, pattern: PaletteEntry, place: str, number: int) -> Fix | None:
        """A role by which the agent fits in with the others."""
        if self.report.full:
            return None
        block = self.entry.block
        try:
            settings = pattern.settings_type.model_validate(block.settings)
        except ValidationError:
            return None
        before = {problem.path for problem in pattern.check(block, settings)}
        for role in (pattern.default_role, *sorted(pattern.roles)):
            agents = list(block.agents)
            agents[number] = agents[number].model_copy(update={"role": role})
            changed = block.model_copy(update={"agents": agents})
            if {problem.path for problem in pattern.check(changed, settings)} <= before:
                return fix(f"Make it a {role}", set_value(f"{place}/role", role))
        return None

    def _add(self, problem: Problem) -> None:
        """A problem with its mending, both relative to the block."""
        found = under(self.entry.path, problem)
        removed = problem.fix is not None and any(
            step["op"] == "remove" and step["path"].startswith("/agents")
            for step in problem.fix.patch
        )
        mended = None if removed and self._are_agents_named else found.fix
        self.report.add(found.path, found.message, mended)

    @property
    def _are_agents_named(self) -> bool:
        """Whether a connection is for one agent of the block."""
        name = self.entry.block.id
        return any(
            (edge.source == name and edge.source_agent is not None)
            or (edge.target == name and edge.target_agent is not None)
            for _, edge in self.layout.edges
        )


def _agents(count: int) -> str:
    return f"{count} agent{'' if count == 1 else 's'}"
