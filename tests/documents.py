"""Small documents that tests deploy."""

from __future__ import annotations

from typing import Any


def doubling() -> dict[str, Any]:
    """No model: doubles `number`, which it requires."""
    return {
        "schema": 1,
        "name": "Doubling",
        "input_schema": {
            "type": "object",
            "properties": {"number": {"type": "number"}},
            "required": ["number"],
        },
        "blocks": [
            {
                "id": "pair",
                "type": "transform",
                "settings": {"expression": "[input.number, input.number]"},
            },
            {"id": "double", "type": "transform", "settings": {"expression": "sum(incoming)"}},
        ],
        "connections": [{"id": "c1", "source": "pair", "target": "double"}],
    }


def greeting() -> dict[str, Any]:
    """Two model calls by two agents in turn; requires nothing."""
    return {
        "schema": 1,
        "name": "Greeting",
        "blocks": [
            {
                "id": "greet",
                "type": "sequential",
                "task": "Greet {{ input.name || 'everybody' }}.",
                "agents": [
                    {"id": "writer", "name": "Writer", "system_prompt": "You write greetings."},
                    {"id": "editor", "name": "Editor", "system_prompt": "You shorten greetings."},
                ],
            }
        ],
    }


def cyclic() -> dict[str, Any]:
    """Not valid: each of two blocks waits for the other."""
    block = {"type": "transform", "settings": {"expression": "incoming"}}
    return {
        "schema": 1,
        "name": "Cyclic",
        "blocks": [{"id": "a", **block}, {"id": "b", **block}],
        "connections": [
            {"id": "c1", "source": "a", "target": "b"},
            {"id": "c2", "source": "b", "target": "a"},
        ],
    }
