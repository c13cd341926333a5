"""Names of tests that stay what they are: processes that find other names do not start at all."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_LENGTH = 200
MAX_VALUE_LENGTH = 60
_UNSTEADY = re.compile(
    r"\b0x[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)


def name_of_value(value: Any) -> str | None:
    """A name for a parameter that is long or cannot be typed; None leaves it to pytest."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str | bytes):
        return None
    data = value if isinstance(value, bytes) else value.encode(errors="surrogatepass")
    plain = data.isascii() and data.decode().isprintable()
    if plain and len(data) <= MAX_VALUE_LENGTH:
        return None
    kept = re.sub(r"[^!-~]+", "_", data.decode("ascii", errors="replace"))[: MAX_VALUE_LENGTH // 2]
    return f"{kept}~{zlib.crc32(data):08x}"


def unsteady(names: Iterable[str], now: datetime | None = None) -> list[str]:
    """Those that are too long, or hold an address of memory, a new id, or today's date."""
    now = now or datetime.now(UTC)
    days = [f"{now + timedelta(days=n):%Y-%m-%d}" for n in (-1, 0, 1)]
    return [
        name
        for name in names
        if len(name) > MAX_LENGTH or _UNSTEADY.search(name) or any(day in name for day in days)
    ]
