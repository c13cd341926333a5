"""Guarded connections for aiohttp, like those of `guarded_http` for httpx."""

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
    """Connects only to allowed addresses, however they are written. For one server.

    All addresses of a name are judged when it is looked up. Each address is judged again before
    connecting, because aiohttp does not look up a host that is written as an address.
    """

    def __init__(self, allow: Sequence[str], **options: Any) -> None:
        resolver = _GuardedResolver(tuple(allow))
        super().__init__(resolver=resolver, socket_factory=resolver.socket_for, **options)


class _GuardedResolver(AbstractResolver):
    def __init__(self, allow: tuple[str, ...]) -> None:
        self._allow = allow
        # The addresses of the last name.
        self._judged: set[tuple[Address, int]] = set()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises AddressRefused, TooManyNames, and OSError for an unknown name."""
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
        """There is nothing to close."""

    def socket_for(self, address_info: Any) -> socket.socket:
        """A socket for connecting to the address. Raises AddressRefused."""
        family, kind, protocol, _, (host, port, *_) = address_info
        try:
            address = ip_address(host)
        except ValueError as error:
            raise AddressRefused("The address is not written as one.") from error
        if (address, port) not in self._judged:
            judge(Target(str(address), port), address, self._allow)
        return socket.socket(family, kind, protocol)
