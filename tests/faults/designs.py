"""The designs that the battery runs: each agent's prompt bears the key of its call."""

from __future__ import annotations

from typing import Any


def agent(name: str) -> dict[str, Any]:
    prompt = f"You are {name}. [[{{{{ execution.id }}}}/{name}]]"
    return {"id": name, "name": name, "role": "worker", "system_prompt": prompt}


def block(kind: str, name: str, agents: int, **more: Any) -> dict[str, Any]:
    members = [agent(f"{name}{number}") for number in range(1, agents + 1)]
    return {"id": name, "type": kind, "task": "Say something.", "agents": members, **more}


def chain(agents: int) -> dict[str, Any]:
    """One call after the other."""
    return {
        "schema": 1,
        "name": f"Chain of {agents}",
        "blocks": [block("sequential", "link", agents)],
    }


def fan(agents: int) -> dict[str, Any]:
    """Calls at the same time, then one more."""
    return {
        "schema": 1,
        "name": f"Fan of {agents}",
        "blocks": [block("parallel", "leaf", agents), block("sequential", "root", 1)],
        "connections": [{"id": "c", "source": "leaf", "target": "root"}],
    }


GROUP = "deciders"
VOTES = 2


def asking() -> dict[str, Any]:
    """A call, people who decide, and a call after that."""
    asked = {"group": GROUP, "required": VOTES, "question": "Go on?", "reason": "optional"}
    return {
        "schema": 1,
        "name": "Asking",
        "blocks": [
            block("sequential", "before", 1),
            {"id": "release", "type": "approval", "settings": asked},
            block("sequential", "after", 1),
        ],
        "connections": [
            {"id": "c1", "source": "before", "target": "release"},
            {"id": "c2", "source": "release", "target": "after"},
        ],
    }


def computing() -> dict[str, Any]:
    """No call at all."""
    return {
        "schema": 1,
        "name": "Computing",
        "blocks": [
            {"id": "twice", "type": "transform", "settings": {"expression": "[input.n, input.n]"}}
        ],
    }
