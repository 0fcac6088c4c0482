"""How much of what happened is in the figures: read from the progress that workers report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from app.api import workers
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.api.ports import View
    from app.topics import Topics

_METER: Final = "meter:"


async def read_completeness(view: View, topics: Topics, now: float) -> dict[str, Any]:
    """Return the member `completeness` of an answer.

    `watermark` is the newest event time that was folded, None before the first event; `lag` counts the records
    that were sent and are not in the figures. Read it before the figures: it must not promise more than they hold.
    """
    watermark = newest(await view.documents("progress"))
    behind = workers.lag((await workers.alive(view, now)).values())
    lag = sum(behind.get(topic, 0) for topic in (topics.usage_metered, topics.cost_totals))
    return {
        "metered": {"watermark": None if watermark is None else to_rfc3339(watermark), "lag": lag},
        "billed": None,
    }


def newest(progress: Mapping[str, bytes]) -> int | None:
    """Return the newest event time (epoch seconds) in the progress documents of all source partitions."""
    reported = (orjson.loads(text)["watermark"] for name, text in progress.items() if name.startswith(_METER))
    return max((at for at in reported if at > 0), default=None)
