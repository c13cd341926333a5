"""Random designs with conditions and failures, and the outcomes that their runs must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from executor.engine.llm.base import ErrorKind
from tests.executor.engine.stage import down
from tests.graphs import Json, asking, design, link, transform

FLAGS = 4
AGENTS = ("x", "y")


@dataclass(frozen=True)
class Case:
    """A design, its input, and the blocks whose first agent fails."""

    raw: Json
    given: dict[str, bool]
    failing: frozenset[str]

    @property
    def script(self) -> dict[str, Any]:
        return {f"{name}/{AGENTS[0]}": down(ErrorKind.REQUEST) for name in self.failing}


@dataclass
class Expected:
    """Each block's end, and the outputs of those that delivered."""

    statuses: dict[str, str]
    outputs: dict[str, Any]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 7))
    names = [f"b{number}" for number in range(count)]
    blocks = [_block(draw, name) for name in names]
    ways = []
    for target in range(1, count):
        for source in draw(st.sets(st.integers(0, target - 1), max_size=3)):
            ways += _ways(draw, blocks[source], names[target])
    # Neither blocks nor connections stand in the order in which they run.
    raw = design(draw(st.permutations(blocks)), draw(st.permutations(ways)))
    given = {f"f{n}": draw(st.booleans()) for n in range(FLAGS)}
    bearing = [b["id"] for b in blocks if b["type"] != "transform" and b["on_error"] != "fail"]
    failing = draw(st.sets(st.sampled_from(bearing), max_size=2)) if bearing else set()
    return Case(raw, given, frozenset(failing))


def _block(draw: st.DrawFn, name: str) -> Json:
    kind = draw(st.sampled_from(["transform", "transform", "sequential", "parallel"]))
    if kind == "transform":
        return transform(name, f"{{me: '{name}', got: incoming}}")
    on_error = draw(st.sampled_from(["fail", "continue", "default"]))
    more = {"default": f"default of {name}"} if on_error == "default" else {}
    return asking(name, *AGENTS, kind=kind, on_error=on_error, **more)


def _ways(draw: st.DrawFn, source: Json, target: str) -> list[Json]:
    """One or two connections between two blocks."""
    found = []
    for number in range(draw(st.integers(1, 2))):
        way = {**link(source["id"], target), "id": f"{source['id']}_{target}_{number}"}
        if draw(st.booleans()):
            way["when"] = f"input.f{draw(st.integers(0, FLAGS - 1))}"
        if "agents" in source and draw(st.booleans()):
            way["source_agent"] = draw(st.sampled_from(AGENTS))
        same = {"source_agent", "when"}
        if all({k: way.get(k) for k in same} != {k: o.get(k) for k in same} for o in found):
            found.append(way)
    return found


# --- What a run must give -------------------------------------------------------------------------


def expected(case: Case) -> Expected:
    """The meaning of the graph, block by block, without any clock."""
    blocks = sorted(case.raw["blocks"], key=lambda block: int(block["id"][1:]))
    statuses: dict[str, str] = {}
    outputs: dict[str, Any] = {}
    by_agent: dict[str, dict[str, Any]] = {}
    for block in blocks:
        name = block["id"]
        ways = [way for way in case.raw["connections"] if way["target"] == name]
        taken = [way for way in ways if _is_taken(way, case, outputs)]
        if ways and not taken:
            statuses[name] = "skipped"
        elif name in case.failing:
            statuses[name] = "failed"
            if block["on_error"] == "default":
                outputs[name] = block["default"]
                by_agent[name] = dict.fromkeys(AGENTS, block["default"])
        else:
            statuses[name] = "completed"
            by_agent[name] = {agent: f"{name}/{agent}/1/answer" for agent in AGENTS}
            outputs[name] = _output(block, taken, outputs, by_agent)
    return Expected(statuses, outputs)


def _is_taken(way: Json, case: Case, outputs: dict[str, Any]) -> bool:
    condition = case.given[way["when"].removeprefix("input.")] if "when" in way else True
    return way["source"] in outputs and condition


def _output(
    block: Json, taken: list[Json], outputs: dict[str, Any], by_agent: dict[str, dict[str, Any]]
) -> Any:
    name = block["id"]
    if block["type"] == "sequential":
        return by_agent[name][AGENTS[-1]]
    if block["type"] == "parallel":
        return by_agent[name]
    values = [
        (way["source"], way.get("source_agent"),
         by_agent[way["source"]][way["source_agent"]] if "source_agent" in way
         else outputs[way["source"]])
        for way in taken
    ]  # fmt: skip
    return {"me": name, "got": _incoming(values)}


def _incoming(values: list[tuple[str, str | None, Any]]) -> Any:
    if len(values) < 2:
        return values[0][2] if values else None
    joined: dict[str, Any] = {}
    for source in dict.fromkeys(source for source, _, _ in values):
        own = [(agent, value) for name, agent, value in values if name == source]
        whole = [value for agent, value in own if agent is None]
        if whole:
            joined[source] = whole[0]
        else:
            joined[source] = own[0][1] if len(own) == 1 else dict(own)
    return joined
