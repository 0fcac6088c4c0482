"""How a Faust app of ours is made: batches, our transport, RocksDB below its own directory, nothing else running."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import faust
from faust.types import TP
from yarl import URL

from app.adapters.embedded_broker import EmbeddedTransport
from app.adapters.faust_transport import Transport
from app.batching import BatchingScheduler
from app.topics import MAX_RECORD_BYTES
from tables.ledger import ROCKSDB_OPTIONS, LedgerTable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mode import Service

# One buffer slot holds a whole batch, so a handful of slots and a bounded fetch bound the memory of a backlog.
BUFFERED_BATCHES: Final = 4
MAX_BATCH_RECORDS: Final = 20_000
COMMIT_SECONDS: Final = 1.0


class App(faust.App):
    """A Faust app whose transport acknowledges strictly."""

    embedded_broker: bool = False

    def _new_transport(self) -> Any:
        transport = EmbeddedTransport if self.embedded_broker else Transport
        return transport(self.conf.broker_consumer, self)


def build(
    identifier: str,
    *,
    bootstrap: str,
    embedded_broker: bool,
    data_dir: Path,
    batched: Iterable[str],
    session_timeout: float,
    standby_replicas: int = 0,
) -> App:
    """Return an app without agents or tables; `batched` are the topics whose fetches arrive whole."""
    data_dir.mkdir(parents=True, exist_ok=True)
    scheduler = type("Scheduler", (BatchingScheduler,), {"batched": frozenset(batched)})
    app = App(
        identifier,
        broker=[URL(f"kafka://{address}") for address in bootstrap.split(",")],
        store="rocksdb://",
        datadir=str(data_dir),
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        key_serializer="raw",
        value_serializer="raw",
        ConsumerScheduler=scheduler,
        Table=LedgerTable,
        table_standby_replicas=standby_replicas,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_RECORD_BYTES,
        broker_max_poll_records=MAX_BATCH_RECORDS,
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=session_timeout,
        broker_heartbeat_interval=session_timeout / 5,
        broker_request_timeout=max(90.0, session_timeout),
        stream_buffer_maxsize=BUFFERED_BATCHES,
        stream_recovery_delay=0.0,
    )
    app.embedded_broker = embedded_broker
    return app


def table(app: App, name: str, partitions: int) -> LedgerTable:
    """Add a table to an app; `partitions` is that of the topic whose records write it."""
    return cast(
        "LedgerTable",
        app.Table(
            name,
            key_type=bytes,
            value_type=bytes,
            partitions=partitions,
            recovery_buffer_size=BUFFERED_BATCHES,
            options=dict(ROCKSDB_OPTIONS),
        ),
    )


def ended(app: App, topic: str, partition: int) -> float | None:
    """Return when a partition was seen at its end, with all of it handled (epoch seconds); None when it is not."""
    consumer: Any = app.consumer
    at: float | None = consumer.ended(TP(topic, partition))
    return at


def changelog_of(identifier: str, table_name: str) -> str:
    """Return the name of a table's changelog topic."""
    return f"{identifier}-{table_name}-changelog"


def add_service(app: App, service: Service) -> None:
    """Run a service with an app; Faust takes instances, too, though its types know classes only."""
    app.service(cast("Any", service))
