"""A request over HTTP, as a block asks for it, and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(slots=True)
class HttpCall:
    """`url` is whole, or a path below the address of the `connection`. `seconds` are for one try,
    `accept` the statuses that are taken, as `2xx` or `404`.
    """

    connection: str | None
    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes | None
    seconds: float
    max_bytes: int
    effect: Literal["read", "idempotent", "once"]
    on_unknown_outcome: Literal["ask", "retry", "fail"]
    parse: Literal["auto", "json", "text"]
    accept: tuple[str, ...]


@dataclass(slots=True)
class Called:
    """An answer whose status was taken. `headers` by lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: Any
