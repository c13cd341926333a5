"""Mendings of problems as JSON patches: the few operations that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from designs.graph.expressions import Expression, ExpressionError, Template
from designs.graph.renaming import renamed_reads
from designs.graph.spec import Agent, Block, Fix, Problem, Role

Operation = dict[str, Any]

ID_CHARACTERS = 64


def fix(label: str, *operations: Operation) -> Fix:
    return Fix(label, operations)


def set_value(path: str, value: Any) -> Operation:
    """Add or replace a property of an object, or an entry of a list."""
    return {"op": "add", "path": path, "value": value}


def replace_value(path: str, value: Any) -> Operation:
    return {"op": "replace", "path": path, "value": value}


def remove_value(path: str) -> Operation:
    return {"op": "remove", "path": path}


def remove_connection(path: str) -> Fix:
    return fix("Remove this connection", remove_value(path))


def exact_pointer(key: str) -> str:
    """Unlike `pointer` in reports it is never cut, so that it leads to the key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


def under(path: str, problem: Problem) -> Problem:
    """A problem of a block, with its mending, as one of the document."""
    mending = problem.fix
    if mending is not None:
        patch = tuple({**step, "path": path + step["path"]} for step in mending.patch)
        mending = replace(mending, patch=patch)
    return Problem(path + problem.path, problem.message, mending)


def moved(problem: Problem, base: str, place: str) -> Problem:
    """A problem at or below `base` as one at `place`; one that reaches further is not mended."""
    mending = problem.fix
    if mending is not None:
        if all(step["path"].startswith(f"{base}/") for step in mending.patch):
            patch = tuple(
                {**step, "path": place + step["path"].removeprefix(base)} for step in mending.patch
            )
            mending = replace(mending, patch=patch)
        else:
            mending = None
    return Problem(place + problem.path.removeprefix(base), problem.message, mending)


def free_id(name: str, taken: Collection[str]) -> str:
    """The id with the first number that makes it unique."""
    number, candidate = 2, name
    while candidate in taken:
        ending = f"_{number}"
        candidate, number = name[: ID_CHARACTERS - len(ending)] + ending, number + 1
    return candidate


def applied(document: Any, patch: Sequence[Operation]) -> Any:
    """The document with these operations; what they do not touch is shared, not copied."""
    for step in patch:
        keys = [key.replace("~1", "/").replace("~0", "~") for key in step["path"].split("/")[1:]]
        document = _changed(document, keys, step)
    return document


def _changed(part: Any, keys: Sequence[str], step: Operation) -> Any:
    changed: Any = list(part) if isinstance(part, list) else dict(part)
    key: Any = keys[0]
    if isinstance(part, list):
        key = len(part) if key == "-" else int(key)
    if len(keys) > 1:
        changed[key] = _changed(part[key], keys[1:], step)
    elif step["op"] == "remove":
        del changed[key]
    elif isinstance(part, list) and step["op"] == "add":
        changed.insert(key, step["value"])
    else:
        changed[key] = step["value"]
    return changed


# --- Agents ---------------------------------------------------------------------------------------


def new_agents(block: Block, count: int, role: Role) -> list[Agent]:
    """So many further agents, without prompts."""
    taken = {agent.id for agent in block.agents}
    added = []
    for number in range(len(block.agents) + 1, len(block.agents) + 1 + count):
        name = free_id(f"agent_{number}", taken)
        taken.add(name)
        added.append(Agent(id=name, name=f"Agent {number}", role=role))
    return added


def add_agents(block: Block, added: Sequence[Agent]) -> Fix:
    rows = [agent_json(agent) for agent in added]
    label = "Add an agent" if len(rows) == 1 else f"Add {len(rows)} agents"
    if not block.agents:
        return fix(label, set_value("/agents", rows))
    return fix(label, *(set_value("/agents/-", row) for row in rows))


def added_agents(block: Block, count: int, role: Role) -> Fix:
    return add_agents(block, new_agents(block, count, role))


def agent_json(agent: Agent) -> dict[str, str]:
    """What a new agent is described by."""
    return agent.model_dump(include={"id", "name", "role", "system_prompt"})


def other_role(block: Block, agent: Agent, role: str) -> Fix:
    label = f"Make {agent.name.strip() or agent.id} a {role}"
    # Another agent may be equal, and comparing all of them takes long.
    place = next(place for place, one in enumerate(block.agents) if one is agent)
    return fix(label, set_value(f"/agents/{place}/role", role))


# --- Names in texts -------------------------------------------------------------------------------


def renamed_in_text(
    compile_text: Callable[[str], Expression | Template],
    source: str,
    path: str,
    old: tuple[str, ...],
    new: str,
) -> Fix | None:
    """The text with the last name of the path `old` replaced wherever it is read.

    `old` is one name, or two as in `blocks.clerk`. None if other reads would change as well.
    """
    compiled = compile_text(source)
    text = renamed_reads(source, old, new, is_template=isinstance(compiled, Template))
    try:
        after = compile_text(text).reads
    except ExpressionError:
        return None
    wanted = {_replaced(place, old, new) for place in compiled.reads.paths}
    if text == source or set(after.paths) != wanted:
        return None
    return fix(f"Use `{new}`", replace_value(path, text))


def _replaced(place: tuple[str, ...], old: tuple[str, ...], new: str) -> tuple[str, ...]:
    return (*old[:-1], new, *place[len(old) :]) if place[: len(old)] == old else place
