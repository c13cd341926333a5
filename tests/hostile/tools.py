"""Tool connections, and tools whose names and texts their server chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from executor.models import Tool, ToolConnection

if TYPE_CHECKING:
    from tests.hostile.rows import Planting


def plant_tools(given: Planting) -> Tool:
    """A connection, and a changed tool of each text."""
    connection = ToolConnection.objects.create(
        name=given.names[0][:32], url=f"http://{given.names[1]}"[:500],
        auth_name=given.names[2][:200], protocol=given.names[3][:40],
        test_sentence=given.long[:500], test_passed=False, tested_at=timezone.now(),
    )  # fmt: skip
    tool = None
    for at, name in enumerate(given.names):
        said = {
            "title": name[:200],
            "description": given.long[:8_000],
            "input_schema": {"type": "object", "description": name, "properties": {name: {}}},
            "output_schema": {"title": name},
            "annotations": {name: name},
            "http": {"method": name, "path": name},
        }
        now = {**said, "name": name, "description": name, "digest": name, "http": None}
        tool = Tool.objects.create(
            connection=connection, name=f"{at}{name}"[:200], digest=name[:64], changed=now,
            is_offered=True, is_gone=bool(at % 2), **said,
        )  # fmt: skip
    assert tool is not None
    return tool
