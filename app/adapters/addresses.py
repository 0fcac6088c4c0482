"""Where outgoing requests may go: a guard against server-side request forgery.

A name is resolved once, every address it has is checked, and the connection is made to one of the checked
addresses, so that a name cannot point elsewhere between check and use (DNS rebinding). Spellings of addresses
that resolvers understand (`2130706433`, `0177.1`, `::ffff:127.0.0.1`) are checked as what they resolve to.
"""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# Names are resolved on threads of their own: a slow name server must not starve the loop's default threads.
_THREADS: Final = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resolve")
_NAT64: Final = IPv6Network("64:ff9b::/96")


class RefusedAddressError(Exception):
    """The host is, or resolves to, an address that must not be connected to."""


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host; `OSError` when there are none."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_THREADS, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def checked_addresses(host: str, port: int, *, allow_private: bool, resolver: Resolve = resolve) -> Sequence[str]:
    """Resolve a host; raise `RefusedAddressError` unless every one of its addresses is allowed."""
    addresses = await resolver(host, port)
    if not addresses:
        raise OSError(f"{host} has no address")
    for text in addresses:
        problem = refusal(text, allow_private=allow_private)
        if problem is not None:
            place = host if host == text else f"{host} resolves to {text}, which"
            raise RefusedAddressError(f"{place} is {problem}")
    return addresses


def is_private_literal(url: str) -> bool:
    """Tell whether a URL names an address that is refused unless private ones are allowed; names are not resolved."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return refusal(host, allow_private=False) is not None
    except ValueError:
        return False


def refusal(text: str, *, allow_private: bool) -> str | None:
    """Return why an address is refused, or None.

    `allow_private` opens loopback and private networks; link-local addresses (cloud metadata lives there),
    multicast and the like stay closed.
    """
    address = embedded(ip_address(text))
    if address.is_multicast:
        return "multicast"
    if address.is_unspecified:
        return "unspecified"
    if address.is_link_local:
        return "link-local"
    # Reserved is asked after loopback, which IPv6 counts as reserved, and before private, as 240/4 is both.
    if not address.is_loopback and (address.is_reserved or getattr(address, "is_site_local", False)):
        return "reserved"
    if not address.is_global and not allow_private:
        return "loopback or private (allow_private = true permits it)"
    return None


def embedded(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 one leads to (mapped, 6to4, Teredo, NAT64), or itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address
