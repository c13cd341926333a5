"""Public identifiers of rows: UUID version 7, which sort by time."""

import os
import time
import uuid
from datetime import datetime

# Ten random bytes for each of the next ids, read in batches: system calls are slow on some
# machines. `pop` is atomic, so any thread may take one.
_random: list[bytes] = []
_BATCH = 200
# A child process must not make the same ids as its parent.
os.register_at_fork(after_in_child=_random.clear)


def new_id() -> uuid.UUID:
    """A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then 74 random bits."""
    try:
        random = _random.pop()
    except IndexError:
        more = os.urandom(10 * _BATCH)
        _random.extend(more[at : at + 10] for at in range(10, len(more), 10))
        random = more[:10]
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def new_ordered_id() -> uuid.UUID:
    """A UUIDv7 whose first random bits are the millisecond's 4096ths (RFC 9562, section 6.2), so
    that even ids that a process makes in one millisecond are in order.
    """
    now = time.time_ns()
    part = now % 1_000_000 * 4096 // 1_000_000
    value = new_id().int & ~(0xFFF << 64) & ~(((1 << 48) - 1) << 80)
    return uuid.UUID(int=value | now // 1_000_000 << 80 | part << 64)


def first_id_at(at: datetime) -> uuid.UUID:
    """The lowest id of this time."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return uuid.UUID(int=(milliseconds & 0xFFFFFFFFFFFF) << 80)
