"""Whom a request comes from: its peer, or what trusted proxies say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network
FORWARDED = b"x-forwarded-for"


def with_client(scope: dict[str, Any], trusted: Sequence[Network]) -> dict[str, Any]:
    """The scope with its real client, and without the header that anybody can send.

    Nothing that comes after may believe the header, so it ends here.
    """
    said = [value for name, value in scope["headers"] if name == FORWARDED]
    if not said:
        return scope
    peer = scope.get("client")
    texts = b",".join(said).decode("latin-1").split(",")
    found = client_of(peer[0] if peer else "", texts, trusted)
    changed: dict[str, Any] = {
        "headers": [pair for pair in scope["headers"] if pair[0] != FORWARDED]
    }
    if found:
        changed["client"] = (found, peer[1] if peer and found == peer[0] else 0)
    return {**scope, **changed}


def client_of(peer: str, said: Sequence[str], trusted: Iterable[Network]) -> str:
    """The nearest address that is no trusted proxy; each proxy has added its own peer at the end.

    `peer` is empty for a socket of this machine, which only a proxy here can reach.
    """
    networks, found = tuple(trusted), peer
    for text in reversed(said):
        here = _read(found)
        if found and (here is None or not any(here in network for network in networks)):
            break
        before = _read(text)
        if before is None:
            break
        found = str(before)
    return found


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; an IPv4 address in the clothes of IPv6 is the former."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found
