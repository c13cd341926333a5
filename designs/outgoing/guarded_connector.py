"""Guarded connections for aiohttp, as `guarded_http` has them for the other client."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from designs.outgoing.addresses import Address, AddressRefused, Target, judge
from designs.outgoing.guarded_http import judged_addresses
from designs.outgoing.name_lookups import NameUnknown


class GuardedConnector(aiohttp.TCPConnector):
    """Connects only to addresses that were judged, however they are written. For one server.

    Names are judged as they are looked up, all addresses of one at once; every address is, right
    before it is connected to, because what looks like one is not looked up.
    """

    def __init__(self, allow: Sequence[str], **options: Any) -> None:
        guard = _Guard(tuple(allow))
        super().__init__(resolver=guard, socket_factory=guard.socket_for, **options)


class _Guard(AbstractResolver):
    def __init__(self, allow: tuple[str, ...]) -> None:
        self._allow = allow
        # Of the name that was looked up last.
        self._judged: set[tuple[Address, int]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises AddressRefused, TooManyNames, and OSError for a name that is not known."""
        target = Target(host.strip("[]").lower(), port)
        try:
            addresses = await judged_addresses(target, self._allow)
        except NameUnknown as error:
            raise OSError(None, str(error)) from error
        self._judged = {(address, port) for address in addresses}
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""

    def socket_for(self, address_info: Any) -> socket.socket:
        """A socket for an address that is about to be connected to. Raises AddressRefused."""
        family, kind, protocol, _, (host, port, *_) = address_info
        try:
            address = ip_address(host)
        except ValueError as error:
            raise AddressRefused("The address is not written as one.") from error
        if (address, port) not in self._judged:
            judge(Target(str(address), port), address, self._allow)
        return socket.socket(family, kind, protocol)
