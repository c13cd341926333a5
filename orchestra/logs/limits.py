"""Limits the length of log lines, and the number of lines of a kind in a minute.

Lines about requests are caused by their senders: without limits a thousand requests would rotate
out everything that was logged before.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from typing import Any

# Top-level loggers of lines about requests.
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
    """Cuts each line, then the middle of the text: the entry point and the error stay."""
    most = CHARACTERS_OF_REQUEST if is_of_request(record_name) else CHARACTERS
    text = "\n".join(cut(line, most) for line in text.split("\n"))
    if len(text) <= CHARACTERS_OF_TRACEBACK:
        return text
    half = CHARACTERS_OF_TRACEBACK // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most} more)"


class LimitRepeats(logging.Filter):
    """Passes a maximum of lines of a kind in a minute. The next line counts those left out."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        # By kind: the start of its minute, and the lines since then.
        self._seen: OrderedDict[Any, tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        # The place in the code, because the text differs for each request.
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
