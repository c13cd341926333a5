"""Who acts at the moment, from where: set once at the door, read by what keeps a record."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address

from designs.access import SYSTEM, Caller
from designs.rows.ids import new_id


class Acting:
    """One request, or one piece of the installation's own work.

    Shared by all threads and tasks that work for the request, so that whoever learns whom a key
    speaks for tells the others. `address` is where the request comes from, if that is known.
    """

    def __init__(self, caller: Caller = SYSTEM, address: str | None = None) -> None:
        self.caller = caller
        self.address = address

    @functools.cached_property
    def correlation_id(self) -> str:
        """The same for all that is recorded of this."""
        return new_id().hex


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)
_action: ContextVar[int | None] = ContextVar("action", default=None)


def now_acting() -> Acting | None:
    """Who acts; None where the installation itself does."""
    return _acting.get()


@contextmanager
def acting(caller: Caller, address: str | None = None) -> Iterator[Acting]:
    """What happens inside is done by this caller, until authentication knows better."""
    token = _acting.set(found := Acting(caller, read_address(address)))
    try:
        yield found
    finally:
        _acting.reset(token)


def act_as(caller: Caller) -> None:
    """After authentication: from here on this caller acts, for the rest of the request that
    `acting` has begun.
    """
    found = _acting.get()
    if found is not None:
        found.caller = caller


def acting_address() -> str | None:
    """Where the present request comes from."""
    found = _acting.get()
    return None if found is None else found.address


@functools.lru_cache(maxsize=1024)
def read_address(text: str | None) -> str | None:
    """What the server says of the other end, if that is an IP address."""
    try:
        return str(ip_address(text or ""))
    except ValueError:
        return None


@contextmanager
def recorded_as(action: int) -> Iterator[None]:
    """Changes inside are recorded under the name of this verb, not merely as changes."""
    token = _action.set(action)
    try:
        yield
    finally:
        _action.reset(token)


def verb_of_changes() -> int | None:
    """The verb that changes are recorded under at the moment, if any."""
    return _action.get()
