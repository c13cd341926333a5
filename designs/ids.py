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
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFFFFFFFFFF) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def first_id_at(at: datetime) -> uuid.UUID:
    """The lowest id that can be made at this time or later: ids from here on are newer."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return uuid.UUID(int=(milliseconds & 0xFFFFFFFFFFFF) << 80)
