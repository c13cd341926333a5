"""Fits the agents of a block from the nested layout to what its pattern can be played by.

The nested layout lets any agents stand in any block. What runs there must publish here, so roles
that a pattern does not know are changed, and a block that its pattern cannot play becomes another
one; each change is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from designs.graph.conversion import Part
from designs.graph.report import excerpt

# As the patterns have them, which are built on this package.
MAX_DEBATERS = 8
LEADERS = ("manager", "moderator")
# What of a reflection's settings means nothing where a design is reviewed.
REFINING = ("max_rounds", "threshold", "patience")

Agents = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Casting:
    """A block's agents on their way, and where what becomes of them is told."""

    part: Part
    agents: Agents

    @property
    def leaders(self) -> list[dict[str, Any]]:
        return [agent for agent in self.agents if agent.get("role") in LEADERS]

    def give(self, agent: dict[str, Any], role: str, why: str) -> None:
        """Another role for the agent, with the reason."""
        place = next(n for n, one in enumerate(self.agents) if one is agent)
        old = agent.get("role")
        agent["role"] = role
        was = f"`{excerpt(str(old))}` became `{role}`" if old else f"The agent became `{role}`"
        self.warn(f"/agents/{place}/role", f"{was}: {why}")

    def become(self, kind: str, why: str) -> None:
        """Another type for the block, with the reason."""
        old = self.part.made.get("type")
        self.part.made["type"] = kind
        self.part.made.pop("settings", None)
        self.warn("/type", f"The `{old}` block became `{kind}`: {why}")

    def warn(self, path: str, message: str) -> None:
        self.part.conversion.warn(f"{self.part.path}{path}", message)


def cast_agents(part: Part, *, leaves: bool) -> None:
    """Change roles and type where the pattern could not be played; `leaves` tells whether a
    connection leads on from the block.
    """
    agents, kind = part.made.get("agents"), part.made.get("type")
    if not isinstance(agents, list) or not agents or not isinstance(kind, str):
        return
    if not all(isinstance(agent, dict) for agent in agents):
        return
    casting = Casting(part, agents)
    if len(agents) == 1 and (kind in _TOGETHER or (kind == "routing" and not leaves)):
        casting.become("sequential", "one agent alone plays no other pattern.")
    elif (cast := _CASTS.get(kind)) is not None:
        cast(casting)


def _cast_parallel(casting: Casting) -> None:
    _keep_one(casting, casting.leaders[:1], "aggregates")
    if casting.leaders and len(casting.agents) < 3:
        why = "two members answer side by side, and nobody is left to aggregate."
        casting.give(casting.leaders[0], "specialist", why)


def _cast_hierarchy(casting: Casting) -> None:
    _only(casting, ("manager", "worker", "specialist"), "worker", "a hierarchy has no such role.")


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
        # Elsewhere all rounds are held.
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
        _review(casting)
    elif len(critics) == 2:
        casting.give(critics[0], "specialist", "the other one criticises what this one writes.")
    elif len(agents) == 2 and not critics:
        casting.give(agents[1], "reflector", "it criticises what the other one writes.")


def _review(casting: Casting) -> None:
    """A reflector alone reads the prompts of the whole design, which is what it means elsewhere."""
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


def _only(casting: Casting, allowed: Iterable[str], instead: str, why: str) -> None:
    for agent in casting.agents:
        if agent.get("role") is not None and agent["role"] not in allowed:
            casting.give(agent, instead, why)


def _keep_one(casting: Casting, kept: Agents, does: str) -> None:
    for agent in casting.leaders:
        if all(agent is not one for one in kept):
            casting.give(agent, "specialist", f"one agent {does} already.")


# These need several agents.
_TOGETHER = frozenset({"parallel", "hierarchical", "debate"})
_CASTS: dict[str, Callable[[Casting], None]] = {
    "parallel": _cast_parallel,
    "hierarchical": _cast_hierarchy,
    "debate": _cast_debate,
    "routing": _cast_routing,
    "reflection": _cast_reflection,
}
