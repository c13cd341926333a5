"""Reads the Prefer header (RFC 7240): how long a caller wants to wait."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,6})\"?")


@dataclass(frozen=True, slots=True)
class Preferences:
    wait_seconds: float
    respond_async: bool = False
    is_wait: bool = False

    def applied(self, *, accepted: bool) -> dict[str, str]:
        """The header Preference-Applied, if any; `accepted` if the answer is 202."""
        words = ["respond-async"] if self.respond_async and accepted else []
        words += [f"wait={self.wait_seconds:g}"] if self.is_wait else []
        return {"Preference-Applied": ", ".join(words)} if words else {}


def read_preferences(header: str, usual_seconds: float) -> Preferences:
    """`respond-async` does not wait, unless `wait` says how long; unknown preferences are ignored.
    Never longer than usual. The first of two equal preferences counts.
    """
    words = [word.partition(";")[0].strip().lower() for word in header.split(",")]
    respond_async = "respond-async" in words
    waits = (_WAIT.fullmatch(word) for word in words)
    wait = next((match for match in waits if match), None)
    if wait is not None:
        seconds = min(float(wait.group(1)), usual_seconds)
        return Preferences(seconds, respond_async, is_wait=True)
    return Preferences(0.0 if respond_async else usual_seconds, respond_async)
