"""The two ways to run the system: on what `costguard up` brings along, or on Apache Kafka and redis-server."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from tests.live.broker import Broker
from tests.live.servers.process import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Engine(Protocol):
    """Broker and Redis of one system."""

    @property
    def broker(self) -> Broker:
        """Where to produce and consume."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What `costguard up` is told."""


@dataclass(frozen=True)
class Embedded:
    """A broker and a Redis that live and die with `costguard up`."""

    port: int = field(default_factory=free_port)

    @property
    def broker(self) -> Broker:
        return Broker(f"{LOOPBACK}:{self.port}")

    @property
    def environment(self) -> Mapping[str, str]:
        return {"COSTGUARD_EMBEDDED_BROKER_PORT": str(self.port)}


_numbers: Final[Iterator[int]] = count()


def _new_prefix() -> str:
    """Return a topic prefix that no other system on these servers has."""
    return f"t{os.getpid()}-{next(_numbers)}-"


@dataclass(frozen=True)
class Servers:
    """Servers that many systems share, each below its own prefix of topics and keys."""

    broker_url: str
    redis_url: str
    prefix: str = field(default_factory=_new_prefix)

    @property
    def broker(self) -> Broker:
        return Broker(self.broker_url.removeprefix("kafka://"), self.prefix)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "COSTGUARD_BROKER_URL": self.broker_url,
            "COSTGUARD_REDIS_URL": self.redis_url,
            "COSTGUARD_TOPIC_PREFIX": self.prefix,
        }
