"""A paced producer, in a process of its own: `python -m bench.latency.producer BOOTSTRAP TOPIC RATE SECONDS`.

Sends what is due every few milliseconds and waits for the acknowledgement, as a gateway does. Ids are new and times are
now; the rest of an event is prepared beforehand, so that the producer takes little of the machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from datetime import UTC, datetime
from typing import Final, NamedTuple

import orjson
import uvloop

from app.adapters.bulk_producer import BulkProducer
from bench.full.events import usage_events
from bench.watch import finish

SCOPES: Final = 1_000
TICK_SECONDS: Final = 0.02


class Template(NamedTuple):
    """An event around its id and its time."""

    before_id: bytes
    before_time: bytes
    after_time: bytes


def templates() -> list[Template]:
    """Return events of all scopes and meters, to be filled in."""
    return [_template(value) for _, value in usage_events(4 * SCOPES, SCOPES)]


def _template(value: bytes) -> Template:
    event = orjson.loads(value) | {"id": "<id>", "time": "<time>"}
    before_id, _, rest = orjson.dumps(event).partition(b"<id>")
    before_time, _, after_time = rest.partition(b"<time>")
    return Template(before_id, before_time, after_time)


async def produce(bootstrap: str, topic: str, rate: int, seconds: float) -> dict[str, float]:
    """Send `rate` events a second; when that is too fast for this machine, as many as it takes."""
    ready = templates()
    producer = BulkProducer(bootstrap, topic)
    await producer.start()
    sent = 0
    begun = time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        due = min(int(elapsed * rate) - sent, rate)
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
        await producer.send([event(ready, number, moment) for number in range(sent, sent + due)])
        await producer.flush()
        sent += due
        await asyncio.sleep(max(0.0, TICK_SECONDS - (time.perf_counter() - begun - elapsed)))
    await producer.stop()
    return {"sent": sent, "events_per_second": sent / seconds}


def event(ready: list[Template], number: int, moment: bytes) -> tuple[bytes, bytes]:
    """Return key and value of an event, with an id of its own."""
    before_id, before_time, after_time = ready[number % len(ready)]
    identifier = b"%d-%d" % (os.getpid(), number)
    return identifier, b"".join((before_id, identifier, before_time, moment, after_time))


def main() -> None:
    """Do what the arguments say."""
    bootstrap, topic, rate, seconds = sys.argv[1:]
    finish(uvloop.run(produce(bootstrap, topic, int(rate), float(seconds))))


if __name__ == "__main__":
    main()
