"""How a run sends requests over HTTP: the interface to whoever does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from designs.patterns.calls import HttpCall


@dataclass(slots=True)
class HttpReply:
    """`body` as it was sent. `is_dry`: nothing was sent, so that nobody knows the answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_dry: bool = False


class HttpFailed(Exception):
    """There is no answer: `kind` is `refused`, `too_large`, `timeout` or `transient`. Without
    `was_sent` the server cannot have got the request.
    """

    def __init__(self, kind: str, sentence: str, *, was_sent: bool) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence
        self.was_sent = was_sent


class HttpDoor(Protocol):
    """Sends requests; the engine itself knows no connection."""

    async def send(self, call: HttpCall, headers: Mapping[str, str]) -> HttpReply:
        """Once, within the call's time and bytes, with these headers. Raises HttpFailed."""
        ...


class NoDoor:
    """For runs that send nothing."""

    async def send(self, call: HttpCall, headers: Mapping[str, str]) -> HttpReply:
        raise HttpFailed("refused", "Nothing can be sent from here.", was_sent=False)
