from __future__ import annotations

import socket

import pytest

from app.adapters.loopback import LOOPBACK, accepts, free_port, is_free


async def test_a_port_is_free_until_somebody_listens() -> None:
    port = free_port()
    assert is_free(LOOPBACK, port)
    assert not await accepts(LOOPBACK, port)
    with socket.socket() as server:
        server.bind((LOOPBACK, port))
        server.listen()
        assert not is_free(LOOPBACK, port)
        assert await accepts(LOOPBACK, port)


def test_an_address_elsewhere_cannot_be_listened_on() -> None:
    with pytest.raises(OSError, match="assign"):
        is_free("192.0.2.1", 80)
