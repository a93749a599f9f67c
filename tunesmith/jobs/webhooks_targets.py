"""Where webhooks may go: public addresses over TLS, and nothing that only this server's network can see.

A URL comes from whoever has a key, and the server that calls it stands inside. So the name is resolved here,
every address that it has is judged, and the caller connects to an address that was judged: a second look-up,
which could answer otherwise, never happens.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import httpx2

from tunesmith.errors import InvalidRequest

MAX_ADDRESSES = 64
"""Addresses of one name that are looked at; a name with more is refused."""

IPv4 = ipaddress.IPv4Address
IPv6 = ipaddress.IPv6Address

# The special-purpose registries of IANA (RFC 6890 and what came after), by what each network is for.
_NOT_PUBLIC_V4 = [
    (ipaddress.IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "an address of this very machine"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address of a carrier's inner network"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),  # 169.254.169.254: the clouds' metadata services
        (
            "168.63.129.16/32",
            "an address of a cloud's inner service",
        ),  # Azure's, in the midst of public space
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
]
_NOT_PUBLIC_V6 = [
    (ipaddress.IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "an address of this very machine"),
        ("::1/128", "a loopback address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "an address of a tunnel"),
        ("3fff::/20", "an address for documentation"),
    )
]
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
#: Networks whose last 32 bits are an IPv4 address that the packet ends up at.
_EMBEDDING_V6 = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("64:ff9b::/96"))

_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?")
#: What the C library would still read as an IPv4 address: 0x7f.1, 0177.0.0.1, 2130706433.
_NUMERIC = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")
_LOCAL_NAME = re.compile(r"(.*\.)?(localhost|local|localdomain|internal|intranet|lan|home|corp|home\.arpa)")


def not_public(address: IPv4 | IPv6) -> str | None:
    """What an address that may not be called is (`a loopback address`); None for a public one."""
    if isinstance(address, IPv4):
        return next((kind for network, kind in _NOT_PUBLIC_V4 if address in network), None)
    for network in _EMBEDDING_V6:
        if address in network:
            return not_public(IPv4(int(address) & 0xFFFFFFFF))
    for network, kind in _NOT_PUBLIC_V6:
        if address in network:
            return kind
    return None if address in _GLOBAL_V6 else "a reserved address"


def check_url(url: str, *, allow_private: bool) -> httpx2.URL:
    """`url` parsed, if its form is one that is called at all. Raises InvalidRequest; looks no name up."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise _refused(f"it is no valid URL ({str(error).rstrip('.')})") from None
    if parsed.scheme != "https" and not (allow_private and parsed.scheme == "http"):
        raise _refused("it must begin with https://")
    host = parsed.raw_host.decode("ascii").lower()
    if parsed.userinfo:
        raise _refused("it may not hold a user name or a password; receivers verify the signature instead")
    if parsed.fragment:
        raise _refused("it may not have a fragment ('#…'), which never reaches a server")
    if not 0 < (parsed.port or 443) < 65536:
        raise _refused("its port must be from 1 to 65535")
    literal = _address(host)
    if literal is None and (len(host) > 253 or not _HOST.fullmatch(host)):
        raise _refused("its host is neither a name nor an IP address")
    if literal is None and _NUMERIC.fullmatch(host):
        raise _refused("its host is a number; write an IP address with four decimal parts, or use a name")
    if allow_private:
        return parsed
    if parsed.port is not None and parsed.port != 443 and parsed.port < 1024:
        raise _refused("its port must be 443, or 1024 and above")
    if literal is not None:
        _refuse_unless_public(literal, host)
    elif "." not in host.rstrip(".") or _LOCAL_NAME.fullmatch(host.rstrip(".")):
        raise _refused(f"'{host[:100]}' is a name of the server's own network; webhooks go to public hosts")
    return parsed


async def addresses(
    url: httpx2.URL,
    *,
    allow_private: bool,
    resolver: Executor,
    look_up: Callable[..., list[Any]] = socket.getaddrinfo,
) -> list[IPv4 | IPv6]:
    """The addresses of a checked URL's host, all of them judged, in the resolver's order.

    Raises InvalidRequest when one of them may not be called, OSError when the name has none.
    """
    host = url.raw_host.decode("ascii").lower()
    literal = _address(host)
    if literal is not None:
        found = [literal]
    else:
        answers = await asyncio.get_running_loop().run_in_executor(resolver, _judgeable, look_up, host)
        found = list(dict.fromkeys(answers))
    if not found or len(found) > MAX_ADDRESSES:
        raise OSError(f"{host} has {len(found)} addresses")
    if not allow_private:
        for address in found:
            _refuse_unless_public(address, host)
    return found


def _judgeable(look_up: Callable[..., list[Any]], host: str) -> list[IPv4 | IPv6]:
    answers = look_up(host.encode(), None, type=socket.SOCK_STREAM)
    return [
        ipaddress.ip_address(str(where[0]).partition("%")[0])
        for family, _, _, _, where in answers
        if family in (socket.AF_INET, socket.AF_INET6)
    ]


def _address(host: str) -> IPv4 | IPv6 | None:
    """The host as an address in its usual form; None for everything else."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _refuse_unless_public(address: IPv4 | IPv6, host: str) -> None:
    kind = not_public(address)
    if kind is not None:
        which = f"{host} is" if str(address) == host else f"'{host[:100]}' resolves to {address}, which is"
        raise _refused(f"{which} {kind}")


def _refused(problem: str) -> InvalidRequest:
    return InvalidRequest(
        f"This webhook URL cannot be used: {problem}.", param="url", code="invalid_webhook_url"
    )
