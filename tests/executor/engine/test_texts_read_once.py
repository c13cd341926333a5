"""Templates are compiled once with the design, not in its runs: a long one takes seconds."""

from __future__ import annotations

from typing import Any

import pytest

from designs.graph import expressions
from tests.executor.engine.stage import compiled, play

# Longer than what is kept for all designs.
LONG = "{{ input.name }} " + "and so on " * 2_500
DESIGN = {
    "schema": 1,
    "name": "Long texts",
    "blocks": [
        {
            "id": "ask",
            "type": "sequential",
            "task": f"Task of {LONG}",
            "agents": [{"id": "one", "system_prompt": f"Prompt of {LONG}"}],
        },
        {"id": "report", "type": "transform", "settings": {"template": f"Report of {LONG}"}},
    ],
    "connections": [{"id": "c", "source": "ask", "target": "report"}],
}


async def test_a_run_reads_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    split = expressions._split

    def noted(source: str) -> Any:
        read.append(source[:6])
        return split(source)

    monkeypatch.setattr(expressions, "_split", noted)
    graph = compiled(DESIGN)
    assert {"Task o", "Prompt", "Report"} <= set(read)
    read.clear()
    for name in ("Ada", "Bea"):
        played = await play(graph, given={"name": name})
        assert played.result.startswith(f"Report of {name} and so on")
        assert played.stage.prompt("ask/one/1/answer")["system"].startswith(f"Prompt of {name}")
    assert read == []
