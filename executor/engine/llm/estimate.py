"""Estimates the tokens of a call whose server does not report them."""

from __future__ import annotations

from typing import NamedTuple

from executor.engine.llm.base import ModelRequest
from executor.engine.llm.prompt import user_text

# The usual rule of thumb for English text.
CHARACTERS_PER_TOKEN = 4


class Tokens(NamedTuple):
    input: int
    output: int


def estimated_tokens(request: ModelRequest, text: str) -> Tokens:
    sent = len(request.system) + len(user_text(request.parts))
    for turn in request.tool_use.turns if request.tool_use is not None else ():
        sent += len(turn.text) + sum(len(text) for text, _ in turn.results)
    return Tokens(-(-sent // CHARACTERS_PER_TOKEN), -(-len(text) // CHARACTERS_PER_TOKEN))
