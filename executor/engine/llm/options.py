"""Options of a model beyond its protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from executor.engine.llm.base import ModelRequest
from executor.engine.llm.prices import Price
from executor.engine.llm.workarounds import Lack


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """`bounded` adds maximum lengths to schemas, for models that do not stop. `says_schema` repeats
    the schema in the system prompt.

    `free` models cost nothing; the cost of others is by `price`, or by the public list if `priced`,
    or unknown. `lacks` are the features that the server is known not to support.
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
        """The maximum tokens of the answer: the lower limit of the agent's and the model's."""
        own = self.max_tokens if request.schema is None else self.max_schema_tokens
        limits = [limit for limit in (own, request.max_output_tokens) if limit is not None]
        return min(limits, default=None)
