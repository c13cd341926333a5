"""How a model is asked, beyond what its protocol says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from executor.engine.llm.base import ModelRequest
from executor.engine.llm.prices import Price
from executor.engine.llm.workarounds import Lack


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """`bounded` closes open ends of schemas, for models that do not stop.

    `free` models cost nothing; `price` is what others cost; without one, `priced` ones are looked
    for in the public list; the cost of all others is unknown. `lacks` is what the server is known
    to do without.
    """

    max_tokens: int | None = None
    max_schema_tokens: int | None = None
    temperature: float | None = None
    extra_body: dict[str, Any] | None = None
    bounded: bool = False
    says_schema: bool = False
    free: bool = False
    priced: bool = False
    price: Price | None = None
    lacks: frozenset[Lack] = frozenset()

    def limit(self, request: ModelRequest) -> int | None:
        """The most tokens of the answer, of what the agent and the model set."""
        own = self.max_tokens if request.schema is None else self.max_schema_tokens
        limits = [one for one in (own, request.max_output_tokens) if one is not None]
        return min(limits, default=None)
