from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest

from app.adapters.addresses import (
    RefusedAddressError,
    checked_addresses,
    embedded,
    is_private_literal,
    refusal,
    resolve,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "64:ff9b::10.0.0.1",
]
NEVER = [
    "0.0.0.0",
    "169.254.169.254",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "64:ff9b:1::1",
    "64:ff9b::169.254.169.254",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "2002:a9fe:a9fe::1",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_unless_permitted(address: str) -> None:
    assert refusal(address, allow_private=False) is not None
    assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("address", NEVER)
def test_link_local_multicast_and_reserved_addresses_are_refused_always(address: str) -> None:
    assert refusal(address, allow_private=False) is not None
    assert refusal(address, allow_private=True) is not None


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert refusal(address, allow_private=False) is None


def test_teredo_leads_to_its_client() -> None:
    assert embedded(ip_address("2001:0:4136:e378:8000:63bf:3fff:fdd2")) == ip_address("192.0.2.45")
    assert refusal("2001:0:4136:e378:8000:63bf:3fff:fdd2", allow_private=False) is not None


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:7f00:1",
        "0:0:0:0:0:ffff:7f00:0001",
        "169.254.169.254",
        "0xa9fea9fe",
    ],
)
async def test_every_spelling_that_a_resolver_understands_is_refused(host: str) -> None:
    with pytest.raises(RefusedAddressError):
        await checked_addresses(host, 80, allow_private=False)


class Names:
    """A resolver with a table of its own, which may answer differently every time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        assert host
        assert port
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


async def test_a_name_that_resolves_to_a_private_address_is_refused() -> None:
    with pytest.raises(RefusedAddressError, match=r"evil\.example resolves to 10\.0\.0\.5"):
        await checked_addresses("evil.example", 80, allow_private=False, resolver=Names(["10.0.0.5"]))


async def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(RefusedAddressError):
        await checked_addresses("mixed.example", 80, allow_private=False, resolver=Names(["1.1.1.1", "::1"]))


async def test_a_name_is_asked_for_once() -> None:
    names = Names(["1.1.1.1"], ["127.0.0.1"])
    assert await checked_addresses("rebind.example", 80, allow_private=False, resolver=names) == ["1.1.1.1"]
    assert names.asked == 1


async def test_a_name_without_addresses_is_an_error() -> None:
    with pytest.raises(OSError, match="no address"):
        await checked_addresses("empty.example", 80, allow_private=True, resolver=Names([]))


async def test_the_systems_resolver_answers_each_address_once() -> None:
    assert await resolve("127.0.0.1", 80) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("url", "private"),
    [
        ("http://127.0.0.1:9000/x", True),
        ("http://localhost/x", True),
        ("https://[::1]/x", True),
        ("http://10.1.2.3/x", True),
        ("https://flags.example.com/x", False),
        ("https://93.184.216.34/x", False),
    ],
)
def test_a_private_address_is_recognised_by_its_url(url: str, *, private: bool) -> None:
    assert is_private_literal(url) is private
