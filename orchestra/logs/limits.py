"""Bounds of logs: how long a line is, and how many of a kind are written a minute.

What is logged of requests is written by whoever sends them; without bounds a thousand requests
would push out all that was logged before.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Any

# Of loggers that tell of requests, whoever sent them.
REQUESTS = ("django", "gunicorn", "asyncio")
CHARACTERS_OF_REQUEST = 500
CHARACTERS = 10_000
CHARACTERS_OF_TRACEBACK = 20_000
SECONDS = 60.0
LINES_OF_REQUESTS = 30
LINES = 600
MAX_KINDS = 1_000


def is_of_request(name: str) -> bool:
    return name.partition(".")[0] in REQUESTS


def cut_message(record_name: str, text: str) -> str:
    return cut(text, CHARACTERS_OF_REQUEST if is_of_request(record_name) else CHARACTERS)


def cut_traceback(record_name: str, text: str) -> str:
    """Each line, and then the middle of it: where it began and what it was stay."""
    most = CHARACTERS_OF_REQUEST if is_of_request(record_name) else CHARACTERS
    text = "\n".join(cut(line, most) for line in text.split("\n"))
    if len(text) <= CHARACTERS_OF_TRACEBACK:
        return text
    half = CHARACTERS_OF_TRACEBACK // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more)"


class LimitRepeats(logging.Filter):
    """Lets so many lines of a kind pass in a minute; the first after it says how many did not."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        # Of each kind: when its minute began, and how many came in it.
        self._seen: OrderedDict[Any, tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        # The place in the code, not the text: that differs with each request.
        kind = (record.name, record.levelno, record.pathname, record.lineno)
        most = LINES_OF_REQUESTS if is_of_request(record.name) else LINES
        with self._lock:
            began, count = self._seen.pop(kind, (record.created, 0))
            left_out = 0
            if not 0 <= record.created - began < SECONDS:
                left_out, began, count = max(0, count - most), record.created, 0
            self._seen[kind] = (began, count + 1)
            while len(self._seen) > MAX_KINDS:
                self._seen.popitem(last=False)
        if count >= most:
            return False
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more lines like this were left out)"
            record.args = None
        return True
