"""Every Prometheus series of the workers, once, each with what an operator should do about it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS: Final = Counter("costguard_events_total", "Usage events folded. Falls to zero: look at the producers.")
DUPLICATES: Final = Counter(
    "costguard_duplicates_total",
    "Events dropped because their source and id were seen. Harmless; a rise is a retry storm.",
)
LATE: Final = Counter("costguard_late_total", "Events older than five minutes on arrival; folded where they belong.")
REJECTED: Final = Counter(
    "costguard_rejected_total",
    "Events sent to dead-letter. Read GET /dead-letters and tell the sender.",
    ["topic"],
)
BILLING_ROWS: Final = Counter("costguard_billing_rows_total", "Lines of bills folded.")
BILLING_DUPLICATES: Final = Counter(
    "costguard_billing_duplicates_total", "Lines of bills that were there already. An import that is repeated."
)
UNPRICED: Final = Counter("costguard_unpriced_total", "Events without a price. Add [[prices]] for what /costs lists.")
UNATTRIBUTED: Final = Counter(
    "costguard_unattributed_total",
    "Events with at least one unattributed dimension. Label them at the source.",
)
BATCH_EVENTS: Final = Histogram(
    "costguard_batch_events", "Records in one batch. Always at the top bucket: the worker is behind.", ["topic"],
    buckets=(1, 10, 100, 1_000, 5_000, 10_000, 25_000, 50_000),
)  # fmt: skip
STAGE_SECONDS: Final = Counter(
    "costguard_stage_seconds_total",
    "Time spent by stage of the cost path. The largest is the bottleneck.",
    ["stage"],
)
STAGE_CPU: Final = Counter(
    "costguard_stage_cpu_seconds_total",
    "CPU time by stage of the cost path, without what it waits for. The largest is what makes an event dear.",
    ["stage"],
)
LAG: Final = Gauge(
    "costguard_lag_records",
    "Records that wait, by topic. Grows: add workers, or look at the slowest stage.",
    ["topic"],
)
FETCHED_AGAIN: Final = Counter(
    "costguard_fetched_again_total",
    "Times that records went missing between consumer and agent, and were fetched again. Some around rebalances.",
    ["topic"],
)
RECOVERY_SECONDS: Final = Gauge(
    "costguard_recovery_seconds",
    "How long the last assignment took until its tables were recovered. Grows: standby replicas shorten it.",
)
RECOVERED_RECORDS: Final = Gauge(
    "costguard_recovered_records",
    "Changelog records that the last assignment read back, by table. Many: the disk was lost, or this is a new worker.",
    ["table"],
)
OWNED_PARTITIONS: Final = Gauge("costguard_owned_partitions", "Partitions owned, by table.", ["table"])
CONSERVATION_GAP: Final = Gauge(
    "costguard_conservation_gap",
    "Largest difference between a total and the sum of its parts. Anything but 0: a bug.",
)
VIEW_PENDING: Final = Gauge("costguard_view_pending_rows", "Rows not yet in Redis. Grows: Redis is slow or away.")
BUDGET_TRANSITIONS: Final = Counter(
    "costguard_budget_transitions_total", "Thresholds crossed and cleared, and foreseen.", ["direction", "kind"]
)
ANOMALIES: Final = Counter(
    "costguard_anomalies_total",
    "Anomalies that began and ended. Many of one kind: look at GET /anomalies, and tell which were none.",
    ["what", "kind"],
)
ANOMALY_SCOPES: Final = Gauge("costguard_anomaly_scopes", "Scopes and drivers judged in the newest hour.")
ANOMALY_HOUR: Final = Gauge(
    "costguard_anomaly_newest_hour_seconds",
    "Start of the newest hour that was judged (epoch). Stands still: a partition of cost does not close its hours.",
)
WEBHOOKS_TOO_OLD: Final = Counter(
    "costguard_webhooks_too_old_total",
    "Events not sent to a webhook, for they happened before its max_age.",
    ["webhook"],
)
DEAD_LETTERS: Final = Counter(
    "costguard_dead_letters_total",
    "Dead letters by kind of reason. Tell the sender what is wrong.",
    ["reason"],
)


@contextmanager
def cpu(stage: str) -> Iterator[None]:
    """Count the CPU time of a stage; what is inside must not await, or it counts what others do meanwhile."""
    began = time.thread_time()
    try:
        yield
    finally:
        STAGE_CPU.labels(stage).inc(time.thread_time() - began)
