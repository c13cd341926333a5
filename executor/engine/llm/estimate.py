"""How many tokens a call used, where its server does not tell."""

from __future__ import annotations

from typing import NamedTuple

from executor.engine.llm.base import ModelRequest
from executor.engine.llm.prompt import user_text

# Of English text; the field's usual rule of thumb.
CHARACTERS_PER_TOKEN = 4


class Tokens(NamedTuple):
    input: int
    output: int


def estimated_tokens(request: ModelRequest, text: str) -> Tokens:
    """A token for every four characters begun, of what was sent and of what came back."""
    asked = len(request.system) + len(user_text(request.parts))
    return Tokens(-(-asked // CHARACTERS_PER_TOKEN), -(-len(text) // CHARACTERS_PER_TOKEN))
