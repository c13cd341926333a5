"""Designs in few words, and what is wrong with them, for tests of rules and of runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings

from designs.graph.rules import CheckResult
from designs.patterns.catalogue import check_document

Json = dict[str, Any]


def examples(count: int) -> settings:
    """The same examples at every run, whatever the machine's speed."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def transform(block_id: str, expression: str = "`1`", **more: Any) -> Json:
    """A block that computes."""
    return {"id": block_id, "type": "transform", "settings": {"expression": expression}, **more}


def agent(agent_id: str, role: str = "worker", **more: Any) -> Json:
    return {"id": agent_id, "role": role, **more}


def asking(block_id: str, *agents: str | Json, kind: str = "sequential", **more: Any) -> Json:
    """A block that asks models; agents by id, or whole."""
    whole = [agent(one) if isinstance(one, str) else one for one in agents or ("writer",)]
    return {"id": block_id, "type": kind, "task": f"Do {block_id}.", "agents": whole, **more}


def link(source: str, target: str, **more: Any) -> Json:
    return {"id": f"{source}_{target}", "source": source, "target": target, **more}


def chain(*block_ids: str) -> list[Json]:
    """Connections from each block to the next."""
    return [link(*pair) for pair in zip(block_ids, block_ids[1:], strict=False)]


def design(blocks: Sequence[Any], connections: Sequence[Any] = (), **more: Any) -> Json:
    return {
        "schema": 1,
        "name": "Test",
        "blocks": list(blocks),
        "connections": list(connections),
        **more,
    }


def problems(raw: object) -> list[tuple[str, str]]:
    """Path and sentence of each problem; none of them without a graph, or a graph without them."""
    checked: CheckResult = check_document(raw)
    assert (checked.graph is None) is bool(checked.problems)
    for problem in checked.problems:
        assert problem.path == "" or problem.path.startswith("/")
        assert problem.message[0].isupper() or problem.message.startswith("`")
        assert problem.message.endswith((".", "?"))
    return [(problem.path, problem.message) for problem in checked.problems]


def paths(raw: object) -> list[str]:
    return [path for path, _ in problems(raw)]


def only_problem(raw: object) -> tuple[str, str]:
    found = problems(raw)
    assert len(found) == 1, found
    return found[0]
