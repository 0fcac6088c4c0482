from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.adapters import embedded_redis
from app.adapters.loopback import LOOPBACK, free_port
from app.adapters.redis_view import RedisView
from app.supervisor.child import Child, Spec
from app.supervisor.probes import until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.live


async def test_the_server_from_the_wheel_answers_and_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    assert not await embedded_redis.answers(port)
    directory = tmp_path / "data"
    directory.mkdir()
    child = Child(Spec("redis", embedded_redis.program(port), tmp_path / "redis.log", directory))
    await child.start()
    try:
        assert await until(lambda: embedded_redis.answers(port), 20)
        view = RedisView.connect(embedded_redis.url(port), "test:")
        await view.put_documents("budgets", {"b": b"{}"})
        assert await view.documents("budgets") == {"b": b"{}"}
        await view.close()
    finally:
        await child.stop(10)
    assert await child.ended() == 0
    assert list(directory.iterdir()) == []


def test_its_url_is_on_loopback() -> None:
    assert embedded_redis.url(7) == f"redis://{LOOPBACK}:7/0"
