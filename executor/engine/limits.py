"""The limits of one run, and the error for reaching one."""

from __future__ import annotations

from dataclasses import dataclass

MOST_TOOL_CALLS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """None means no limit; bytes are those of the result as JSON in UTF-8.

    Under a limit of cost, a model without a known price is asked only if `unpriced` is set.
    """

    seconds: float | None = None
    model_calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    unpriced: bool = False
    output_bytes: int | None = 10_000_000
    tool_calls: int = MOST_TOOL_CALLS


class LimitReached(Exception):
    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
