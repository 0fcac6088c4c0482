"""confluent-kafka's `consume` in batches, orjson and a dictionary: no framework, no state that survives."""

from __future__ import annotations

from collections import defaultdict

import orjson
from confluent_kafka import Consumer

from bench.simple.librdkafka import FETCHING
from bench.simple.sums import MINUTE, Cell, finish, task
from bench.watch import Watch

BATCH = 5_000
# The embedded broker lets the first member of a group wait half of it.
SESSION_MS = 6_000


def main() -> None:
    """Sum up everything."""
    job = task()
    sums: defaultdict[Cell, int] = defaultdict(int)
    stopwatch = Watch(job.events)
    settings = {
        "bootstrap.servers": job.bootstrap,
        "group.id": job.group,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": SESSION_MS,
        **FETCHING,
    }
    consumer = Consumer(settings)
    consumer.subscribe([job.topic])
    complete = False
    while not complete:
        if not (messages := consumer.consume(BATCH, timeout=0.5)):
            continue
        stopwatch.start()
        for message in messages:
            event = orjson.loads(message.value())
            sums[event["key"], event["time"][:MINUTE]] += event["units"]
        complete = stopwatch.add(len(messages))
    finish(stopwatch, sums)


if __name__ == "__main__":
    main()
