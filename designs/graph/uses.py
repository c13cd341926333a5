"""Whether blocks use what they are given, found from their templates alone."""

from __future__ import annotations

from designs.graph.expressions import Template
from designs.graph.spec import Block


def reads_input(block: Block) -> bool:
    """Whether the block's task or one of its agents' prompts reads `input` or `incoming` itself.

    Raises ExpressionError for a template that does not parse.
    """
    texts = (block.task, *(agent.system_prompt for agent in block.agents))
    return any(_reads_input(text) for text in texts if "{{" in text)


def _reads_input(text: str) -> bool:
    reads = Template.compile(text).reads
    return reads.everything or any(path[0] in ("input", "incoming") for path in reads.paths)
