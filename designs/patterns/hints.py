"""Hints at parts of a design that are valid but probably a mistake. They never block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from designs.graph.fixes import fix, renamed_in_text, set_value
from designs.graph.report import Report, did_you_mean, excerpt
from designs.graph.spec import Agent, Block, Connection, Graph, ModelChoice, Problem
from designs.graph.uses import reads_input
from designs.patterns.catalogue import PALETTE, read_settings
from designs.patterns.prompts import display_name
from designs.patterns.shapes import OPEN, Shape, shape_for, shape_of_answer
from designs.patterns.structured import listed
from designs.patterns.texts import Text, texts_of

MAX_HINTS = 50
UNUSED_INPUT = (
    "Nothing in this design uses the input, though this schema has fields. Write `{{ input }}`, or "
    "one of its fields, where it is needed."
)
NOTHING_TO_DO = "Neither a task nor a prompt tells this agent what to do. Write one of them."


def hints(
    graph: Graph | None,
    is_hosted: Callable[[str], bool] = lambda name: False,
    fallbacks: Sequence[str] = (),
) -> tuple[Problem, ...]:
    """The hints for a graph without problems, in the document's order; empty without a graph.

    `is_hosted` says of a model whether a provider serves it, who may be away; `fallbacks` are
    models that could stand in.
    """
    if graph is None:
        return ()
    blocks = {block.id: block for block in graph.blocks}
    design = _Design(graph, list(texts_of(graph)), blocks)
    report = Report()
    found = chain(
        _unused_input(design),
        _missing_fields(design, report),
        _of_agents(graph),
        _dead_ends(graph),
        _unused_outputs(design),
        _alone(graph, is_hosted, fallbacks),
    )
    for hint in islice(found, MAX_HINTS):
        report.add(hint.path, hint.message, hint.fix)
    return report.problems()


@dataclass(slots=True)
class _Design:
    """A graph with its texts, and the shapes of its blocks' outputs, worked out when needed."""

    graph: Graph
    texts: list[Text]
    blocks: dict[str, Block]
    _shapes: dict[str, Shape] = field(default_factory=dict)

    def shape(self, block_id: str) -> Shape:
        if block_id not in self._shapes:
            block = self.blocks[block_id]
            settings = read_settings(block).model_dump()
            self._shapes[block_id] = shape_for(PALETTE[block.type].output, block, settings)
            if block.on_error == "default":
                self._shapes[block_id] = {"kind": "any"}
            elif self._shapes[block_id]["kind"] == "by_agent":
                fields = {agent.id: shape_of_answer(agent) for agent in block.agents}
                self._shapes[block_id] = {"kind": "object", "fields": fields}
        return self._shapes[block_id]


def _unused_input(design: _Design) -> Iterator[Problem]:
    graph = design.graph
    if not (graph.input_schema or {}).get("properties"):
        return
    targets = {connection.target for connection in graph.connections}
    for block in graph.blocks:
        # The agents of a block that nothing leads to get the input, unless the block reads it.
        if block.id not in targets and block.agents and not reads_input(block):
            return
    if not any(text.reads.reads("input") for text in design.texts):
        yield Problem("/input_schema", UNUSED_INPUT)


# --- Models and agents ----------------------------------------------------------------------------


def _alone(
    graph: Graph, is_hosted: Callable[[str], bool], fallbacks: Sequence[str]
) -> Iterator[Problem]:
    """Hosted models that nothing stands in for; where the design names it, once for all agents."""
    places: list[tuple[str, ModelChoice | None]] = []
    agents = [agent for block in graph.blocks for agent in block.agents]
    if any(not agent.model for agent in agents):
        places.append(("/model", graph.model))
    for number, block in enumerate(graph.blocks):
        for turn, agent in enumerate(block.agents):
            places.append((f"/blocks/{number}/agents/{turn}/model", agent.model))
    for path, model in places:
        names = [model] if isinstance(model, str) else model or []
        if len(names) != 1 or not is_hosted(names[0]):
            continue
        other = next((name for name in fallbacks if name != names[0]), None)
        mended = other and fix(f"Add {excerpt(other)}", set_value(path, [names[0], other]))
        sentence = f"No other model answers when `{excerpt(names[0])}` cannot. Add one."
        yield Problem(path, sentence, mended or None)


def _of_agents(graph: Graph) -> Iterator[Problem]:
    for number, block in enumerate(graph.blocks):
        seen: dict[tuple[str, str], Agent] = {}
        are_alike = _should_differ(block)
        for turn, agent in enumerate(block.agents):
            path, prompt = f"/blocks/{number}/agents/{turn}/system_prompt", agent.system_prompt
            if not prompt.strip() and not block.task.strip():
                yield Problem(path, NOTHING_TO_DO)
            first = seen.setdefault((prompt.strip(), str(agent.model)), agent)
            if are_alike and first is not agent and prompt.strip():
                yield Problem(
                    path,
                    f"This is the prompt of {display_name(first)} as well, so their answers will "
                    "be alike. Give each a view of its own.",
                )


def _should_differ(block: Block) -> bool:
    """Whether several agents answer the same, and not in order to vote."""
    votes = "vote" in (block.settings.get("aggregate"), block.settings.get("judge"))
    return block.type in ("parallel", "debate") and not votes


# --- What leads nowhere ---------------------------------------------------------------------------


def _dead_ends(graph: Graph) -> Iterator[Problem]:
    """Specialists after whom nothing follows, although something follows others."""
    leaving: dict[str, list[Connection]] = {}
    for connection in graph.connections:
        leaving.setdefault(connection.source, []).append(connection)
    for number, block in enumerate(graph.blocks):
        outgoing = leaving.get(block.id, [])
        if not (outgoing and PALETTE[block.type].chooses_routes):
            continue
        choice = PALETTE[block.type].choice(block, read_settings(block), outgoing)
        taken = set(choice.routes) if choice else set()
        if not any(agent.id in taken for agent in block.agents):
            continue
        # A connection that is always taken follows every specialist.
        is_free = any((c.route or c.target) not in taken for c in outgoing)
        for turn, agent in enumerate(block.agents):
            if not is_free and agent.role == "specialist" and agent.id not in taken:
                yield Problem(
                    f"/blocks/{number}/agents/{turn}",
                    f"When {display_name(agent)} is picked, nothing follows: no connection has "
                    f"the route `{agent.id}`.",
                )


def _unused_outputs(design: _Design) -> Iterator[Problem]:
    graph = design.graph
    if any(_sees_results(block) for block in graph.blocks):
        return
    used = _read_blocks(design)
    if used is None:
        return
    consuming = _consumers(design)
    sources = {connection.source for connection in graph.connections}
    if not any(text.path == "/output" for text in design.texts):
        used |= {block.id for block in graph.blocks if block.id not in sources}
    for connection in graph.connections:
        source = PALETTE[design.blocks[connection.source].type]
        if connection.target in consuming or source.chooses_routes or source.is_about_time:
            used.add(connection.source)
    for number, block in enumerate(graph.blocks):
        if block.id not in used:
            yield Problem(
                f"/blocks/{number}",
                f"Nothing uses the output of `{block.id}`. Read it as `blocks.{block.id}.output`, "
                "or remove the block.",
            )


def _sees_results(block: Block) -> bool:
    return block.type == "reflection" and block.settings.get("mode") == "review_design"


def _read_blocks(design: _Design) -> set[str] | None:
    """The blocks that expressions read; None if one reads all at once."""
    found = set()
    for text in design.texts:
        for place in text.reads.paths:
            if place == ("blocks",):
                return None
            if place[0] == "blocks":
                found.add(place[1])
        # A condition may decide by what its source hands on.
        if isinstance(text.owner, Connection) and text.reads.reads("incoming"):
            found.add(text.owner.source)
    return found


def _consumers(design: _Design) -> set[str]:
    """The blocks that use what connections bring: agents see it, others must read it."""
    found = {block.id for block in design.graph.blocks if block.agents}
    for text in design.texts:
        if isinstance(text.owner, Block) and text.reads.reads("incoming"):
            found.add(text.owner.id)
    return found


# --- Fields that are not there --------------------------------------------------------------------


def _missing_fields(design: _Design, report: Report) -> Iterator[Problem]:
    fields = _input_fields(design.graph)
    for text in design.texts:
        for place in text.reads.paths:
            if place[0] == "input" and len(place) > 1 and fields and place[1] not in fields:
                near = report.nearest(place[1], fields)
                sentence = (
                    f"The input has no field `{excerpt(place[1])}`.{did_you_mean(near)} There are "
                    f"{listed([excerpt(name) for name in fields[:20]])}."
                )
                yield _renaming(text, place[:2], near, sentence, report)
            elif place[0] == "blocks" and len(place) > 3:
                yield from _missing_in_output(design, text, place, report)


def _input_fields(graph: Graph) -> list[str]:
    """The names of all fields that an input may have; empty if it may have others."""
    schema = graph.input_schema or {}
    properties = schema.get("properties")
    is_open = schema.get("additionalProperties") not in (None, False) or OPEN & set(schema)
    return [] if is_open or not isinstance(properties, dict) else list(properties)


def _missing_in_output(
    design: _Design, text: Text, place: tuple[str, ...], report: Report
) -> Iterator[Problem]:
    shape, name = design.shape(place[1]), place[3]
    if shape["kind"] == "text":
        sentence = f"The output of `{place[1]}` is a text, so it has no field `{excerpt(name)}`."
        yield Problem(text.path, sentence)
    elif shape["kind"] == "object" and name not in shape["fields"]:
        near = report.nearest(name, shape["fields"])
        sentence = (
            f"The output of `{place[1]}` has no field `{excerpt(name)}`.{did_you_mean(near)} There "
            f"are {listed(list(shape['fields']))}."
        )
        yield _renaming(text, place[:4], near, sentence, report)


def _renaming(
    text: Text, place: tuple[str, ...], near: str, sentence: str, report: Report
) -> Problem:
    mended = None
    if near and len(place) == 2 and report.affords(text.source):
        mended = renamed_in_text(text.compile, text.source, text.path, place, near)
    return Problem(text.path, sentence, mended)
