"""The client of a request: its peer, or the address that trusted proxies forwarded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network
FORWARDED = b"x-forwarded-for"


def with_client(scope: dict[str, Any], trusted: Sequence[Network]) -> dict[str, Any]:
    """The scope with its real client, and without the header: any client can send it, so nothing
    after this may read it.
    """
    values = [value for name, value in scope["headers"] if name == FORWARDED]
    if not values:
        return scope
    peer = scope.get("client")
    forwarded = b",".join(values).decode("latin-1").split(",")
    address = client_of(peer[0] if peer else "", forwarded, trusted)
    changed: dict[str, Any] = {
        "headers": [pair for pair in scope["headers"] if pair[0] != FORWARDED]
    }
    if address:
        changed["client"] = (address, peer[1] if peer and address == peer[0] else 0)
    return {**scope, **changed}


def client_of(peer: str, forwarded: Sequence[str], trusted: Iterable[Network]) -> str:
    """The nearest address that is not a trusted proxy; each proxy appended its own peer.

    `peer` is empty for a Unix socket, which only a proxy on this machine can reach.
    """
    networks, client = tuple(trusted), peer
    for text in reversed(forwarded):
        address = _parse(client)
        if client and (address is None or not any(address in network for network in networks)):
            break
        previous = _parse(text)
        if previous is None:
            break
        client = str(previous)
    return client


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address with or without a port. Unwraps IPv4-mapped IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
