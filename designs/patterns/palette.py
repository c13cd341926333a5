"""The palette as editors show it: what may be added, and what a new block begins with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

from designs.graph.fixes import agent_json
from designs.graph.spec import Role
from designs.patterns.base import Pattern
from designs.patterns.catalogue import PALETTE


def palette_entries(
    patterns: Iterable[Pattern[Any]] = tuple(PALETTE.values()),
) -> list[dict[str, Any]]:
    """One entry for each block type, as JSON.

    `agents` and `settings` are those of a new block, `output` is its shape (see `shapes`),
    `role_words` says what an agent with each of the `roles` does in such a block.
    """
    return [_entry(pattern) for pattern in patterns]


def _entry(pattern: Pattern[Any]) -> dict[str, Any]:
    roles = [role for role in get_args(Role) if role in pattern.roles]
    return {
        "type": pattern.type,
        "label": pattern.label,
        "summary": pattern.summary,
        "roles": roles,
        "role_words": {role: pattern.role_words.get(role, role) for role in roles},
        "default_role": pattern.default_role,
        "min_agents": pattern.min_agents,
        "max_agents": pattern.max_agents,
        "chooses_routes": pattern.chooses_routes,
        "routes": list(pattern.fixed_routes),
        "has_agents": pattern.max_agents > 0,
        "settings": dict(pattern.new_settings),
        "agents": [agent_json(agent) for agent in pattern.new_agents],
        "output": pattern.output,
    }
