"""The caller that acts at the moment, and its address: set by middlewares, read by the audit."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address

from designs.access import SYSTEM, Caller
from designs.rows.ids import new_id


class Acting:
    """A request, or a piece of the installation's own work.

    Shared by all threads and tasks of the request, so that all see the caller that authentication
    sets later. `address` is the client's IP address, if known.
    """

    def __init__(self, caller: Caller = SYSTEM, address: str | None = None) -> None:
        self.caller = caller
        self.address = address

    @functools.cached_property
    def correlation_id(self) -> str:
        """The same in all audit entries of this request."""
        return new_id().hex


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)
_action: ContextVar[int | None] = ContextVar("action", default=None)


def now_acting() -> Acting | None:
    return _acting.get()


@contextmanager
def acting(caller: Caller, address: str | None = None) -> Iterator[Acting]:
    """Let this caller act inside the block, until authentication sets another."""
    token = _acting.set(entered := Acting(caller, read_address(address)))
    try:
        yield entered
    finally:
        _acting.reset(token)


def act_as(caller: Caller) -> None:
    """After authentication: let this caller act for the rest of the request."""
    current = _acting.get()
    if current is not None:
        current.caller = caller


def acting_address() -> str | None:
    current = _acting.get()
    return None if current is None else current.address


@functools.lru_cache(maxsize=1024)
def read_address(text: str | None) -> str | None:
    """The text, normalised, if it is an IP address."""
    try:
        return str(ip_address(text or ""))
    except ValueError:
        return None


@contextmanager
def recorded_as(action: int) -> Iterator[None]:
    """Record changes inside the block as this `Action` instead of `UPDATE`."""
    token = _action.set(action)
    try:
        yield
    finally:
        _action.reset(token)


def verb_of_changes() -> int | None:
    return _action.get()
