"""Random valid designs of all patterns, and a model that answers anything that is asked."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from designs.patterns.approval import ROUTES
from executor.engine.llm.base import ErrorKind, ModelError, ModelRequest
from tests.graphs import Json, agent, asking, design, link, transform

# Of an answer that is data.
FORM: Json = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
KINDS = (
    "sequential", "parallel", "hierarchical", "debate", "routing", "reflection", "transform",
    "subdesign", "map", "loop", "http", "approval", "wait",
)  # fmt: skip
PLAYING = frozenset({"subdesign", "map", "loop", "http"})
NAMED: dict[str, Json] = {
    "subdesign": {"path": "/not/there"}, "http": {"url": "https://example.com/"},
}  # fmt: skip


@st.composite
def designs(draw: st.DrawFn, *, most_blocks: int = 6) -> Json:
    names = [f"b{number}" for number in range(draw(st.integers(1, most_blocks)))]
    blocks = [_block(draw, name) for name in names]
    ways = []
    for number, name in enumerate(names[1:], start=1):
        for source in sorted(draw(st.sets(st.integers(0, number - 1), max_size=3))):
            ways.append(_way(draw, blocks[source], name))
    for block in blocks:
        if _is_lone_router(block) and not any(way["source"] == block["id"] for way in ways):
            block["agents"].append(agent("added", "specialist"))
    return design(draw(st.permutations(blocks)), draw(st.permutations(ways)))


def _block(draw: st.DrawFn, name: str, kinds: tuple[str, ...] = KINDS) -> Json:
    kind = draw(st.sampled_from(kinds))
    if kind == "transform":
        return transform(name, f"'{name}'")
    if kind in PLAYING:
        return {"id": name, "type": kind, "settings": _played(draw, kind), "on_error": "continue"}
    if kind == "approval":
        settings = {"group": "Operator", "question": "Go on?", "required": draw(st.integers(1, 3))}
        return {"id": name, "type": kind, "settings": settings, "on_error": "continue"}
    if kind == "wait":
        return {"id": name, "type": kind, "settings": {"seconds": draw(st.integers(0, 100))}}
    agents, settings = _MAKERS[kind](draw)
    more = {"retries": draw(st.integers(0, 7)), "on_error": "continue"}
    if draw(st.booleans()):
        agents[0]["model"] = ["one:model", "two:model", "three:model"][: draw(st.integers(1, 3))]
    if draw(st.booleans()):
        agents[-1]["max_output_tokens"] = draw(st.integers(1, 5_000))
    if kind in ("sequential", "parallel") and draw(st.booleans()):
        agents[0]["output_schema"] = FORM
    return asking(name, *agents, kind=kind, settings=settings, **more)


def _played(draw: st.DrawFn, kind: str) -> Json:
    """Settings of a block that plays one block in place, or asks for what is not there."""
    if kind in NAMED:
        return dict(NAMED[kind])
    inner = _block(draw, "inner", tuple(kind for kind in KINDS if kind != "approval"))
    if kind == "map":
        items = draw(st.sampled_from(["`[]`", "`[1, 2]`", "`[1, 2, 3]`", "`7`"]))
        keeps = draw(st.sampled_from(["fail", "keep", "drop"]))
        return {"items": items, "block": inner, "on_item_error": keeps, "most_items": 3}
    until = draw(st.sampled_from(["round == `1`", "round == `3`"]))
    return {"start": "`1`", "block": inner, "until": until, "max_rounds": 2}


def _way(draw: st.DrawFn, source: Json, target: str) -> Json:
    way = link(source["id"], target)
    if source["type"] == "routing":
        specialists = [one["id"] for one in source["agents"] if one["role"] == "specialist"]
        routes = [*specialists, None] if specialists else ["left", "right", None]
        if (route := draw(st.sampled_from(routes))) is not None:
            way["route"] = route
    if source["type"] == "approval" and (route := draw(st.sampled_from([*ROUTES, None]))):
        way["route"] = route
    return way


def _team(draw: st.DrawFn, least: int, most: int, head: str, worker: str = "worker") -> list[Json]:
    """Agents, one of them with the role of the head if the draw wants it so."""
    agents = [agent(f"a{n}", worker) for n in range(draw(st.integers(least, most)))]
    return draw(st.permutations([*agents, agent("head", head)])) if draw(st.booleans()) else agents


def _sequential(draw: st.DrawFn) -> tuple[list[Json], Json]:
    return _team(draw, 1, 3, "manager"), {"context": draw(st.sampled_from(["last", "full"]))}


def _parallel(draw: st.DrawFn) -> tuple[list[Json], Json]:
    return _team(draw, 2, 4, "moderator"), {"require": draw(st.sampled_from(["all", 1, 2]))}


def _hierarchical(draw: st.DrawFn) -> tuple[list[Json], Json]:
    rounds = draw(st.integers(1, 3))
    most = draw(st.none() | st.integers(rounds, 6))
    settings = {"rounds": rounds, "max_delegations": most, "parallel": draw(st.booleans())}
    return _team(draw, 2, 3, "manager"), settings


def _debate(draw: st.DrawFn) -> tuple[list[Json], Json]:
    agents = _team(draw, 2, 4, "moderator")
    settings = {"rounds": draw(st.integers(1, 3)), "stop_on_agreement": draw(st.booleans())}
    if all(one["role"] == "worker" for one in agents):
        settings["judge"] = draw(st.sampled_from([None, "vote", "none"]))
    return agents, settings


def _routing(draw: st.DrawFn) -> tuple[list[Json], Json]:
    agents = [agent("router", "moderator")]
    agents += [agent(f"s{n}", "specialist") for n in range(draw(st.integers(0, 3)))]
    if draw(st.booleans()):
        return agents, {"mode": "multi", "max_routes": draw(st.integers(1, 3))}
    return agents, {}


def _reflection(draw: st.DrawFn) -> tuple[list[Json], Json]:
    agents = [agent("writer"), agent("critic", "reflector")]
    if draw(st.booleans()):
        return agents[1:], {"mode": draw(st.sampled_from(["refine", "review_design"]))}
    settings = {"max_rounds": draw(st.integers(1, 4)), "patience": draw(st.integers(1, 3))}
    return agents, settings


_MAKERS = {
    "sequential": _sequential, "parallel": _parallel, "hierarchical": _hierarchical,
    "debate": _debate, "routing": _routing, "reflection": _reflection,
}  # fmt: skip


def _is_lone_router(block: Json) -> bool:
    return block["type"] == "routing" and len(block["agents"]) == 1


class AnyDecision(dict[str, Any]):
    """Whatever is asked is decided somehow."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def get(self, key: str, default: Any = None) -> Any:
        return {"decision": self._random.choice(ROUTES), "by": "ana", "votes": []}


class Anything(dict[str, Any]):
    """A script for every step: answers that fit the schema, of any length, and some failures."""

    def __init__(self, seed: int, *, failing: float = 0.0) -> None:
        # An empty script is taken for none.
        super().__init__({"anything": None})
        self._random = random.Random(seed)
        self._failing = failing

    def __contains__(self, key: object) -> bool:
        return True

    def __getitem__(self, key: str) -> Any:
        return self._answer

    def _answer(self, request: ModelRequest) -> Any:
        if self._random.random() < self._failing:
            kind = self._random.choice([ErrorKind.TRANSIENT, ErrorKind.CONTENT, ErrorKind.REQUEST])
            raise ModelError(kind, "it failed.")
        return self._value(request.schema or {"type": "string"})

    def _value(self, schema: Json) -> Any:
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kind = schema["type"]
        if kind == "object":
            return {name: self._value(part) for name, part in schema["properties"].items()}
        if kind == "array":
            count = self._random.randint(schema["minItems"], schema["maxItems"])
            return [self._value(schema["items"]) for _ in range(count)]
        if kind == "integer":
            return self._random.randint(schema["minimum"], schema["maximum"])
        return self._random.random() < 0.5 if kind == "boolean" else f"t{self._random.random()}"
