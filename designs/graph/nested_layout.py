"""Turns the nested layout of other programs (blocks with `data`) into our document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from designs.graph.conversion import Conversion, Keys, Part, keys_of
from designs.graph.nested_casting import cast_agents
from designs.graph.report import excerpt, pointer
from designs.graph.spec import Role

TYPES = {"dynamic_routing": "routing"}
# What is called rounds elsewhere, by block type; the other types play none.
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
    """Whether a file's object is in the nested layout. Ours has `schema`, or nothing foreign."""
    if "schema" in raw:
        return False
    if "git_repos" in raw:
        return True
    blocks, connections = raw.get("blocks"), raw.get("connections")
    return any(map(_is_nested_block, blocks if isinstance(blocks, list) else ())) or any(
        map(_is_nested_connection, connections if isinstance(connections, list) else ())
    )


def _is_nested_block(block: object) -> bool:
    return isinstance(block, dict) and ("data" in block or block.get("type") == "dynamic_routing")


def _is_nested_connection(connection: object) -> bool:
    if not isinstance(connection, dict):
        return False
    foreign = {"type", "sourceAgent", "targetAgent", "extract_output"}
    ends = (connection.get("source"), connection.get("target"))
    return bool(foreign & connection.keys()) or any(isinstance(end, dict) for end in ends)


def convert(raw: Mapping[str, Any]) -> Conversion:
    """Our document of an object in the nested layout; ids stay as they are.

    What has the wrong kind where it cannot be kept is in the report, the rest is kept for the check
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
    """What depends on the connections too: who plays what, and which blocks get the input."""
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
    if (found := part.take("type")) is not None:
        name, where = found
        part.put("type", TYPES.get(name, name) if isinstance(name, str) else name, where)
    part.move("label")
    part.move_text("task")
    part.move_list("agents", _agent)
    part.move("settings")
    _move_rounds(part)
    for name in ("timeout_seconds", "retries", "on_error", "default"):
        part.move(name)
    _move_position(part)
    part.warn_of_rest()
    return part.made


def _block_keys(conversion: Conversion, raw: dict[str, Any], place: str) -> Keys:
    """The block's own keys and those of its `data` together; its own come first."""
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
    if (found := part.take("rounds")) is None:
        return
    rounds, place = _whole(found[0]), found[1]
    kind = part.made.get("type")
    name = ROUNDS.get(kind) if isinstance(kind, str) else None
    if rounds is None:
        part.conversion.report.add(place, "This must be a whole number.")
    elif name is None or kind is None:
        part.conversion.warnings.add(
            place, "This type of block plays no rounds, so `rounds` was left out."
        )
    elif isinstance(settings := part.made.setdefault("settings", {}), dict):
        kept = min(max(rounds, 1), MAX_ROUNDS[kind])
        if kept != rounds:
            text = f"{rounds} rounds became {kept}: from 1 to {MAX_ROUNDS[kind]} are played here."
            part.conversion.warnings.add(place, text)
        part.made["settings"] = {**settings, name: kept}
        part.conversion.origins[f"{part.path}/settings/{name}"] = place


def _whole(value: Any) -> int | None:
    """The number, also one that is written as text."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value[-9:]) if len(value) < 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _move_position(part: Part) -> None:
    if (found := part.take("position")) is None:
        return
    position, place = found
    part.put("position", position, place)
    if isinstance(position, dict):
        inner = Part(part.conversion, f"{part.path}/position", keys_of(position, place))
        inner.move("x")
        inner.move("y")
        inner.warn_of_rest()
        part.made["position"] = inner.made


def _agent(conversion: Conversion, raw: dict[str, Any], path: str, place: str) -> dict[str, Any]:
    part = Part(conversion, path, keys_of(raw, place))
    part.move("id")
    part.move("name")
    _move_role(part)
    part.move_text("system_prompt")
    _move_model(part)
    part.warn_of_rest()
    return part.made


def _move_role(part: Part) -> None:
    if (found := part.take("role")) is None:
        return
    role, place = found
    if isinstance(role, str) and role not in ROLES:
        word = role.strip().casefold()
        name = word if word in ROLES else OTHER_ROLES.get(word, "worker")
        if word and word not in ROLES:
            known = "is called" if word in OTHER_ROLES else "is not known here and became"
            part.conversion.warnings.add(place, f"The role `{excerpt(role)}` {known} `{name}`.")
        role = name
    part.put("role", role, place)


def _move_model(part: Part) -> None:
    found = part.take("model")
    if found is None or found[0] == "":
        return
    model, place = found
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
    _settle_kind(part, kind)
    part.move("route")
    part.move("when")
    part.warn_of_rest()
    return part.made


def _move_end(part: Part, end: str) -> None:
    """`source` and `sourceAgent`, or both in one object; the same for the target."""
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


def _settle_kind(part: Part, kind: tuple[Any, str] | None) -> None:
    """A connection's `type` says what its ends say too; where they differ, the type counts."""
    if kind is None:
        return
    name, place = kind
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
