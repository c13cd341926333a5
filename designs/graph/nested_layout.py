"""Converts the nested layout of other programs (blocks with `data`) into a document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from designs.graph.conversion import Conversion, Keys, Part, keys_of
from designs.graph.nested_casting import cast_agents
from designs.graph.report import excerpt, pointer
from designs.graph.spec import Role

TYPES = {"dynamic_routing": "routing"}
# The setting for `rounds`, by block type; the other types have no rounds.
ROUNDS = {"hierarchical": "rounds", "debate": "rounds", "reflection": "max_rounds"}
MAX_ROUNDS = {"hierarchical": 10, "debate": 10, "reflection": 20}
ROLES = frozenset(get_args(Role))
GETS_INPUT = (
    "Nothing leads to this block, so its agents get the run's input after their task, as the part "
    "`Input`."
)
OTHER_ROLES = {
    **dict.fromkeys(("supervisor", "lead", "leader", "coordinator", "orchestrator"), "manager"),
    **dict.fromkeys(("planner", "synthesizer"), "manager"),
    **dict.fromkeys(("router", "judge", "aggregator", "facilitator"), "moderator"),
    **dict.fromkeys(("critic", "reviewer", "evaluator"), "reflector"),
    **dict.fromkeys(("expert", "analyst"), "specialist"),
    **dict.fromkeys(("agent", "assistant", "member", "debater", "generator"), "worker"),
}


def is_nested(raw: Mapping[str, Any]) -> bool:
    """Whether an object is in the nested layout. Ours has `schema`, or no foreign keys."""
    if "schema" in raw:
        return False
    if "git_repos" in raw:
        return True
    blocks, connections = (raw.get(name) for name in ("blocks", "connections"))
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, dict) and ("data" in block or block.get("type") == "dynamic_routing"):
            return True
    foreign = {"type", "sourceAgent", "targetAgent", "extract_output"}
    return any(
        foreign & link.keys()
        or isinstance(link.get("source"), dict)
        or isinstance(link.get("target"), dict)
        for link in (connections if isinstance(connections, list) else ())
        if isinstance(link, dict)
    )


def convert(raw: Mapping[str, Any]) -> Conversion:
    """Convert an object in the nested layout; ids stay unchanged.

    Values of a wrong type are reported where they cannot be kept; the others are left to the check
    of the document. The value must be plain JSON of bounded depth.
    """
    conversion = Conversion({"schema": 1})
    part = Part(conversion, "", keys_of(raw, ""), conversion.document)
    part.move("name")
    part.move("description")
    _move_model(part)
    part.move("input_schema")
    part.move("output_schema")
    part.move_list("blocks", _block)
    part.move_list("connections", _connection)
    part.move("output")
    _cast_blocks(conversion)
    part.warn_of_rest()
    return conversion


def _cast_blocks(conversion: Conversion) -> None:
    """Fit the agents, and warn about blocks that get the input: both depend on the connections."""
    blocks, connections = (conversion.document.get(name) for name in ("blocks", "connections"))
    if not isinstance(blocks, list) or not isinstance(connections or [], list):
        return
    ends = [link for link in connections or [] if isinstance(link, dict)]
    sources, targets = ([link.get(end) for link in ends] for end in ("source", "target"))
    for index, block in enumerate(blocks):
        if not isinstance(block, dict):
            continue
        path = f"/blocks/{index}"
        cast_agents(Part(conversion, path, {}, block), leaves=block.get("id") in sources)
        if block.get("agents") and block.get("id") not in targets:
            conversion.warn(path, GETS_INPUT)


# --- Blocks ---------------------------------------------------------------------------------------


def _block(conversion: Conversion, raw: dict[str, Any], path: str, place: str) -> dict[str, Any]:
    part = Part(conversion, path, _block_keys(conversion, raw, place))
    part.move("id")
    if (pair := part.take("type")) is not None:
        name, where = pair
        part.put("type", TYPES.get(name, name) if isinstance(name, str) else name, where)
    part.move("label")
    part.move_text("task")
    part.move_list("agents", _agent)
    part.move("settings")
    _move_rounds(part)
    for name in ("timeout_seconds", "retries", "on_error", "default"):
        part.move(name)
    if (pair := part.take("position")) is not None:
        position, where = pair
        part.put("position", position, where)
        if isinstance(position, dict):
            inner = Part(conversion, f"{path}/position", keys_of(position, where))
            inner.move("x")
            inner.move("y")
            inner.warn_of_rest()
            part.made["position"] = inner.made
    part.warn_of_rest()
    return part.made


def _block_keys(conversion: Conversion, raw: dict[str, Any], place: str) -> Keys:
    """The keys of the block and of its `data`; the block's own take precedence."""
    data = raw.get("data")
    if data is None:
        data = {}
    elif not isinstance(data, dict):
        conversion.report.add(f"{place}/data", "This must be an object.")
        data = {}
    own = {name: value for name, value in raw.items() if name != "data"}
    own = {name: value for name, value in own.items() if value is not None or name not in data}
    for name in sorted(data.keys() & own.keys()):
        conversion.warnings.add(
            f"{place}/data{pointer(name)}",
            f"`{excerpt(name)}` stands in the block itself too, so this one was left out.",
        )
    return {**keys_of(data, f"{place}/data"), **keys_of(own, place)}


def _move_rounds(part: Part) -> None:
    if (pair := part.take("rounds")) is None:
        return
    rounds, place = pair
    if isinstance(rounds, str) and len(rounds) < 10 and re.fullmatch("[0-9]+", rounds.strip()):
        rounds = int(rounds)
    kind = part.made.get("type")
    name = ROUNDS.get(kind) if isinstance(kind, str) else None
    if not isinstance(rounds, int) or isinstance(rounds, bool):
        part.conversion.report.add(place, "This must be a whole number.")
    elif name is None or kind is None:
        part.conversion.warnings.add(
            place, "This type of block plays no rounds, so `rounds` was left out."
        )
    elif isinstance(settings := part.made.setdefault("settings", {}), dict):
        most = MAX_ROUNDS[kind]
        limited = min(max(rounds, 1), most)
        if limited != rounds:
            text = f"{rounds} rounds became {limited}: from 1 to {most} are played here."
            part.conversion.warnings.add(place, text)
        part.made["settings"] = {**settings, name: limited}
        part.conversion.origins[f"{part.path}/settings/{name}"] = place


def _agent(conversion: Conversion, raw: dict[str, Any], path: str, place: str) -> dict[str, Any]:
    part = Part(conversion, path, keys_of(raw, place))
    part.move("id")
    part.move("name")
    if (pair := part.take("role")) is not None:
        role, where = pair
        if isinstance(role, str) and role not in ROLES:
            word = role.strip().casefold()
            name = word if word in ROLES else OTHER_ROLES.get(word, "worker")
            if word and word not in ROLES:
                became = "is called" if word in OTHER_ROLES else "is not known here and became"
                conversion.warnings.add(where, f"The role `{excerpt(role)}` {became} `{name}`.")
            role = name
        part.put("role", role, where)
    part.move_text("system_prompt")
    _move_model(part)
    part.warn_of_rest()
    return part.made


def _move_model(part: Part) -> None:
    pair = part.take("model")
    if pair is None or pair[0] == "":
        return
    model, place = pair
    if isinstance(model, str) and ":" not in model:
        part.conversion.warnings.add(
            place,
            f"`{excerpt(model)}` does not say whose model it is, so it was left out. "
            "Write it as `provider:model`.",
        )
    else:
        part.put("model", model, place)


# --- Connections ----------------------------------------------------------------------------------


def _connection(
    conversion: Conversion, raw: dict[str, Any], path: str, place: str
) -> dict[str, Any]:
    part = Part(conversion, path, keys_of(raw, place))
    part.move("id")
    kind = part.take("type")
    for end in ("source", "target"):
        _move_end(part, end)
    if kind is not None:
        _check_kind(part, *kind)
    part.move("route")
    part.move("when")
    part.warn_of_rest()
    return part.made


def _move_end(part: Part, end: str) -> None:
    """Move `source` and `sourceAgent`, or one object with both; likewise for the target."""
    block = part.take(end)
    agent = part.take(f"{end}Agent", f"{end}_agent")
    if block is not None and isinstance(block[0], dict):
        ends, place = block
        inner = Part(part.conversion, part.path + pointer(end), keys_of(ends, place))
        block = inner.take("blockId", "block_id")
        agent = inner.take("agentId", "agent_id") or agent
        inner.warn_of_rest()
        if block is None:
            part.conversion.report.add(place, "`blockId` is missing. Add it: the id of a block.")
    if block is not None:
        part.put(end, *block)
    if agent is not None and agent[0] != "":
        part.put(f"{end}_agent", *agent)


def _check_kind(part: Part, name: Any, place: str) -> None:
    """Make the ends agree with the connection's `type`, which takes precedence."""
    named = [end for end in ("source_agent", "target_agent") if end in part.made]
    if not isinstance(name, str):
        part.conversion.report.add(place, "This must be text.")
    elif name == "block":
        for end in named:
            del part.made[end]
            part.conversion.warn(
                part.path + pointer(end),
                "A connection of the type `block` leads to all agents, so this was left out.",
            )
    elif name != "agent":
        part.conversion.warnings.add(
            place, f"There is no connection type `{excerpt(name)}`; the connection's ends count."
        )
    elif not named:
        part.conversion.warnings.add(
            place, "No agent is named here, so this became a connection of blocks."
        )
