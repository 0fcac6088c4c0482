"""Sending to the broker for a request that waits: acknowledged in time, or a problem that says to try again."""

import asyncio
import logging
from collections.abc import Sequence

from app.api.services import Services

logger = logging.getLogger(__name__)


class BrokerAwayError(Exception):
    """Not acknowledged; the records may have arrived or not, so sending them again must be harmless."""


async def send(
    services: Services, topic: str, records: Sequence[tuple[bytes | None, bytes | None, int | None]]
) -> None:
    """Send records and return when the broker has acknowledged them all; else raise `BrokerAwayError`."""
    try:
        async with asyncio.timeout(services.send_wait):
            await services.publisher.send_many(topic, records)
    except Exception as error:
        # Whatever Kafka's client raises: nothing was promised yet, so the sender keeps what it has.
        logger.warning("cannot send %d records to %s: %s", len(records), topic, type(error).__name__)
        raise BrokerAwayError(topic) from error
