"""Fits the agents of a block from the nested layout to the rules of its pattern.

The nested layout allows any agents in any block. A design that runs there must be valid here, so
roles that a pattern does not allow are changed, and a block that breaks its pattern's rules gets
another type. Each change adds a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.conversion import Part
from designs.graph.report import excerpt

# The same as in designs.patterns, which this package cannot import.
MAX_DEBATERS = 8
LEADERS = ("manager", "moderator")
# Settings of a reflection that mean nothing when it reviews the design.
REFINING = ("max_rounds", "threshold", "patience")

Agents = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Casting:
    """A block under construction and its agents."""

    part: Part
    agents: Agents

    @property
    def leaders(self) -> list[dict[str, Any]]:
        return [agent for agent in self.agents if agent.get("role") in LEADERS]

    def give(self, agent: dict[str, Any], role: str, why: str) -> None:
        place = next(n for n, other in enumerate(self.agents) if other is agent)
        old = agent.get("role")
        agent["role"] = role
        was = f"`{excerpt(str(old))}` became `{role}`" if old else f"The agent became `{role}`"
        self.warn(f"/agents/{place}/role", f"{was}: {why}")

    def become(self, kind: str, why: str) -> None:
        old = self.part.made.get("type")
        self.part.made["type"] = kind
        self.part.made.pop("settings", None)
        self.warn("/type", f"The `{old}` block became `{kind}`: {why}")

    def warn(self, path: str, message: str) -> None:
        self.part.conversion.warn(f"{self.part.path}{path}", message)


def cast_agents(part: Part, *, leaves: bool) -> None:
    """Change roles and the type where the pattern's rules need it. `leaves`: the block has outgoing
    connections.
    """
    agents, kind = part.made.get("agents"), part.made.get("type")
    if not isinstance(agents, list) or not agents or not isinstance(kind, str):
        return
    if not all(isinstance(agent, dict) for agent in agents):
        return
    casting = Casting(part, agents)
    if len(agents) == 1 and (kind in _TOGETHER or (kind == "routing" and not leaves)):
        casting.become("sequential", "one agent alone plays no other pattern.")
    elif kind == "hierarchical":
        allowed = ("manager", "worker", "specialist")
        _only(casting, allowed, "worker", "a hierarchy has no such role.")
    elif (cast := _CASTS.get(kind)) is not None:
        cast(casting)


def _cast_parallel(casting: Casting) -> None:
    _keep_one(casting, casting.leaders[:1], "aggregates")
    if casting.leaders and len(casting.agents) < 3:
        why = "two members answer side by side, and nobody is left to aggregate."
        casting.give(casting.leaders[0], "specialist", why)


def _cast_debate(casting: Casting) -> None:
    _only(casting, (*LEADERS, "worker", "specialist"), "specialist", "a debate has no such role.")
    moderators = [agent for agent in casting.agents if agent.get("role") == "moderator"]
    judges = moderators[:1] or casting.leaders[:1]
    _keep_one(casting, judges, "judges")
    if len(casting.agents) - len(judges) < 2:
        for judge in judges:
            casting.give(judge, "specialist", "a debate needs two debaters beside its judge.")
    elif len(casting.agents) - len(judges) > MAX_DEBATERS:
        casting.become("parallel", f"a debate has at most {MAX_DEBATERS} debaters.")
        return
    settings = casting.part.made.setdefault("settings", {})
    if isinstance(settings, dict):
        # The nested layout has no early end.
        settings.setdefault("stop_on_agreement", False)
    if not casting.leaders:
        casting.warn("/type", "A debate without a judge hands on its last round only.")


def _cast_routing(casting: Casting) -> None:
    _only(casting, (*LEADERS, "worker", "specialist"), "specialist", "a router has no such role.")
    moderators = [agent for agent in casting.agents if agent.get("role") == "moderator"]
    for agent in moderators[1:]:
        casting.give(agent, "specialist", "one agent routes already.")


def _cast_reflection(casting: Casting) -> None:
    agents = casting.agents
    if len(agents) > 2:
        casting.become("sequential", "a reflection has one writer and one critic.")
        return
    why = "a reflection has a writer and a critic."
    _only(casting, ("reflector", "worker", "specialist"), "specialist", why)
    critics = [agent for agent in agents if agent.get("role") == "reflector"]
    if len(agents) == 1 and critics:
        # In the nested layout, a reflector alone reviews the prompts of the whole design.
        settings = casting.part.made.setdefault("settings", {})
        if not isinstance(settings, dict) or "mode" in settings:
            return
        settings["mode"] = "review_design"
        left_out = [name for name in REFINING if settings.pop(name, None) is not None]
        without = ", which plays no rounds" if left_out else ""
        casting.warn(
            "/type",
            "A reflector alone reviews the prompts of the whole design: the block's mode became "
            f"`review_design`{without}.",
        )
    elif len(critics) == 2:
        casting.give(critics[0], "specialist", "the other one criticises what this one writes.")
    elif len(agents) == 2 and not critics:
        casting.give(agents[1], "reflector", "it criticises what the other one writes.")


def _only(casting: Casting, allowed: Iterable[str], instead: str, why: str) -> None:
    for agent in casting.agents:
        if agent.get("role") is not None and agent["role"] not in allowed:
            casting.give(agent, instead, why)


def _keep_one(casting: Casting, keepers: Agents, does: str) -> None:
    for agent in casting.leaders:
        if all(agent is not keeper for keeper in keepers):
            casting.give(agent, "specialist", f"one agent {does} already.")


# These need several agents.
_TOGETHER = frozenset({"parallel", "hierarchical", "debate"})
_CASTS: dict[str, Callable[[Casting], None]] = {
    "parallel": _cast_parallel,
    "debate": _cast_debate,
    "routing": _cast_routing,
    "reflection": _cast_reflection,
}
