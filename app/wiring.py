"""What an agent is wired to: its app, topics, tables, and what it needs from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.ports import Clock
    from app import processes
    from app.adapters.kafka import Publisher
    from app.adapters.redis_view import RedisView
    from app.settings import Configuration
    from app.topics import Topics

Partitions = dict[str, int]


@dataclass(frozen=True)
class Outside:
    """What an app needs from outside; `name` tells processes apart, across machines. Tests pass fakes."""

    name: str
    publisher: Publisher
    view: RedisView
    clock: Clock
    fatal: Callable[[BaseException], None]


@dataclass(frozen=True)
class Wiring:
    """Everything that the agents of one process are installed with; `tables` by name."""

    app: processes.App
    topics: Topics
    tables: Mapping[str, Any]
    configuration: Configuration
    partitions: Partitions
    outside: Outside

    def channel(self, *topics: str) -> Any:
        """Return a stream's source: raw records of some topics."""
        return self.app.topic(*topics, key_type=bytes, value_type=bytes)
