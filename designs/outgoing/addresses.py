"""Addresses that outgoing calls may reach: public ones, and those the installation allows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

MAX_URL_LENGTH = 2_000
PORTS = {"http": 80, "https": 443}

# Lists of our own: `ipaddress.is_global` differs between Python's versions.
_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        # A cloud's internal server at a public address.
        "168.63.129.16/32",
    )
)  # fmt: skip
# Global unicast IPv6, without tunnels that embed another address, documentation and benchmarks.
_PUBLIC_6 = IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# Their last 32 bits are an IPv4 address.
_CARRIES_4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ALMOST_A_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)$")
_READABLE = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")

Address = IPv4Address | IPv6Address


class AddressRefused(Exception):
    """An outgoing call is not allowed to this address; the message says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Target:
    """The server of a URL: `host` is a lower-case name, or an address without brackets."""

    host: str
    port: int


def check_url(url: str, allow: Sequence[str] = ()) -> Target:
    """Check a URL as it is written, before any name is looked up. Raises AddressRefused."""
    if len(url) > MAX_URL_LENGTH:
        raise AddressRefused(f"An address has at most {MAX_URL_LENGTH:,} characters.")
    if not _READABLE.fullmatch(url):
        # Some parsers read a backslash as a slash, or a full-width dot as a dot.
        raise AddressRefused(
            "Write the address in plain letters, without spaces; names of other scripts as xn--…"
        )
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise AddressRefused("This is not an address that can be read.") from error
    if parts.scheme not in PORTS or not parts.netloc:
        raise AddressRefused("Write an address that begins with https:// or http://.")
    if "@" in parts.netloc:
        raise AddressRefused("Leave user name and password out of the address.")
    target = _target(parts)
    literal = _literal(target.host)
    if literal is not None:
        judge(target, literal, allow)
    return target


def judge(target: Target, address: Address, allow: Sequence[str]) -> None:
    """Raises AddressRefused unless the address is public or an entry of `allow` permits it.

    An entry is a name, an address or a network, with `:port` for one port only.
    """
    if is_public(address) or any(_permits(entry, target, address) for entry in allow):
        return
    raise AddressRefused(
        f"{target.host} is an inner address ({address}). Calls go to public ones only; an "
        "administrator can open it with ORCHESTRA_EGRESS_ALLOW."
    )


def is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if any(address in network for network in _CARRIES_4):
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        return address in _PUBLIC_6 and not any(address in net for net in _NOT_PUBLIC_6)
    return not any(address in network for network in _NOT_PUBLIC_4)


def _target(parts: SplitResult) -> Target:
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise AddressRefused("The port is a number from 1 to 65535.") from error
    if port == 0:
        raise AddressRefused("The port is a number from 1 to 65535.")
    if parts.netloc.startswith("["):
        if _literal(host) is None:
            raise AddressRefused("The address in brackets is no IPv6 address.")
    elif not _NAME.fullmatch(host) or len(host) > 253:
        raise AddressRefused("The name of the server cannot be read. Write it without a final dot.")
    elif _ALMOST_A_NUMBER.fullmatch(host.rpartition(".")[2]) and _literal(host) is None:
        # Some parsers read 0177.1 or 2130706433 as an address.
        raise AddressRefused("Write an IPv4 address as four numbers, as in 192.0.2.1.")
    return Target(host, PORTS[parts.scheme] if port is None else port)


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _permits(entry: str, target: Target, address: Address) -> bool:
    # An entry is `host`, `host:port`, `[v6]:port`, or a bare IPv6 network.
    host, port = entry, ""
    if entry.startswith("["):
        host, _, tail = entry[1:].partition("]")
        port = tail[1:]
    elif entry.count(":") == 1 and entry.rpartition(":")[2].isdigit():
        host, _, port = entry.partition(":")
    if port.isdigit() and int(port) != target.port:
        return False
    if host.lower() == target.host:
        return True
    try:
        network = ip_network(host, strict=False)
    except ValueError:
        return False
    return address.version == network.version and address in network
