"""Deployed designs as tools of agents: played inside the run, like a block that plays a design."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from designs.graph.nesting import body_of_tool
from executor.engine.compile import CompiledGraph
from executor.engine.tools import OfferedTool, ToolsMissing

OPEN = {"type": "object"}


def deployment_tools(
    names: Iterable[str], nested: Mapping[str, CompiledGraph]
) -> dict[str, OfferedTool]:
    """Those of the names that are deployments, with the description and the schemas of their
    designs, frozen when the run was accepted. Raises ToolsMissing.
    """
    offered = {}
    for name in names:
        body = body_of_tool(name)
        if body is None:
            continue
        compiled = nested.get(body.name)
        if compiled is None:
            raise ToolsMissing(f"Nothing is deployed at {body.path}, which {name} names.")
        graph = compiled.graph
        offered[name] = OfferedTool(
            name,
            description=graph.description.strip() or graph.name,
            input_schema=graph.input_schema or OPEN,
            output_schema=graph.output_schema,
            # Its steps are recorded one by one: taken up, it goes on and repeats none.
            effect="read",
        )
    return offered
