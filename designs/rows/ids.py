"""Identifiers of rows that are seen outside: UUID version 7, so that they sort by the time they
were made.
"""

import os
import time
import uuid
from datetime import datetime


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(_random(), "big")
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


# Random bytes of the system, ten for each id to come: system calls are dear on some machines.
_coming: list[bytes] = []
_AT_ONCE = 200
# A child must not make the ids of its parent.
os.register_at_fork(after_in_child=_coming.clear)


def _random() -> bytes:
    """From any thread: each piece is taken once."""
    try:
        return _coming.pop()
    except IndexError:
        some = os.urandom(10 * _AT_ONCE)
        _coming.extend(some[at : at + 10] for at in range(10, len(some), 10))
        return some[:10]


def new_ordered_id() -> uuid.UUID:
    """A UUIDv7 whose first random bits are the millisecond's 4096ths (RFC 9562, section 6.2): what
    one process makes sorts in its order, for rows of which many are made at once.
    """
    now = time.time_ns()
    part = now % 1_000_000 * 4096 // 1_000_000
    value = new_id().int & ~(0xFFF << 64) & ~(((1 << 48) - 1) << 80)
    return uuid.UUID(int=value | now // 1_000_000 << 80 | part << 64)


def first_id_at(at: datetime) -> uuid.UUID:
    """The lowest id that can be made at this time or later: ids from here on are newer."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return uuid.UUID(int=(milliseconds & 0xFFFFFFFFFFFF) << 80)
