"""Costs of answers: by the connection's own prices, or by the public list."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

MILLION = Decimal(1_000_000)
# The providers' names in the public list.
LISTED = {"openai": "openai", "anthropic": "anthropic", "google": "google"}


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens."""

    input: Decimal
    output: Decimal

    def of(self, input_tokens: int, output_tokens: int) -> Decimal:
        return (self.input * input_tokens + self.output * output_tokens) / MILLION


FREE = Price(Decimal(0), Decimal(0))


def listed_cost(
    provider: str, model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0
) -> Decimal | None:
    """By the list in a package, nothing is fetched; None if the model is not in it."""
    if provider not in LISTED:
        return None
    from genai_prices import Usage, calc_price

    counts: dict[str, Any] = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    if cached_tokens:
        counts["cache_read_tokens"] = cached_tokens
    try:
        price = calc_price(Usage(**counts), model, provider_id=LISTED[provider])
    except (AssertionError, LookupError, ValueError):
        return None
    return Decimal(price.total_price)


def listed_price(provider: str, model: str) -> Price | None:
    input_price = listed_cost(provider, model, 1_000_000, 0)
    output_price = listed_cost(provider, model, 0, 1_000_000)
    if input_price is None or output_price is None:
        return None
    return Price(input_price, output_price)
