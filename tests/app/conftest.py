"""An embedded Redis for the tests of what talks to it; they are marked `live`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.adapters import embedded_redis
from app.adapters.loopback import free_port
from app.adapters.redis_view import RedisView
from app.supervisor.child import Child, Spec
from app.supervisor.probes import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def redis_url(tmp_path: Path) -> AsyncIterator[str]:
    port = free_port()
    child = Child(Spec("redis", embedded_redis.program(port), tmp_path / "redis.log", tmp_path))
    await child.start()
    try:
        assert await until(lambda: embedded_redis.answers(port), 20)
        yield embedded_redis.url(port)
    finally:
        await child.stop(10)


@pytest.fixture
async def view(redis_url: str) -> AsyncIterator[RedisView]:
    connected = RedisView.connect(redis_url, "test:")
    yield connected
    await connected.close()
