"""Finds out from a block's templates whether it uses its input."""

from __future__ import annotations

from designs.graph.expressions import Template
from designs.graph.spec import Block


def reads_input(block: Block) -> bool:
    """Whether the block's task or one of its agents' prompts reads `input` or `incoming` itself.

    Raises ExpressionError for a template that does not parse.
    """
    for text in (block.task, *(agent.system_prompt for agent in block.agents)):
        reads = Template.compile(text).reads if "{{" in text else None
        if reads is not None and (reads.reads("input") or reads.reads("incoming")):
            return True
    return False
