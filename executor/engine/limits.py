"""The limits of one run, and the words for reaching them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """None means no limit. Cost in US dollars; bytes as JSON in UTF-8.

    Where cost is limited, a model without a known price is not asked, unless `unpriced` lets it.
    """

    seconds: float | None = None
    model_calls: int | None = None
    tokens: int | None = None
    cost_usd: float | None = None
    unpriced: bool = False
    output_bytes: int | None = 10_000_000


class LimitReached(Exception):
    """A limit of the run was reached; never reported as plain success."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
