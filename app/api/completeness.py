"""How much of what happened is in the figures: read from the progress that workers report."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from pydantic import BaseModel, Field

from app.api.ports import View
from app.topics import Topics
from domain.windows import to_rfc3339

# Workers report every second; whoever was silent for this long has left its partitions to others.
SILENT_SECONDS: Final = 15
METER: Final = "meter:"


class Metered(BaseModel):
    """Usage events."""

    watermark: datetime | None = Field(description="Newest event time that was folded; null before the first event")
    lag: int = Field(description="Records that were sent and are not in the figures yet; 0 is complete")


class Completeness(BaseModel):
    """By source; `billed` is null while no bill was imported."""

    metered: Metered
    billed: None


async def read_completeness(view: View, topics: Topics, now: float) -> dict[str, Any]:
    """Return the member `completeness` of an answer. Read it before the figures: it must not promise more."""
    progress = await view.documents("progress")
    workers = await view.documents("workers")
    lag = _lag(map(orjson.loads, workers.values()), (topics.usage_metered, topics.cost_totals), now - SILENT_SECONDS)
    return {"metered": {"watermark": _watermark(progress), "lag": lag}, "billed": None}


def _watermark(progress: Mapping[str, bytes]) -> str | None:
    newest = max(
        (orjson.loads(document)["watermark"] for name, document in progress.items() if name.startswith(METER)),
        default=0,
    )
    return to_rfc3339(newest) if 0 < newest <= datetime.max.replace(tzinfo=UTC).timestamp() else None


def _lag(workers: Iterable[Mapping[str, Any]], topics: Iterable[str], since: float) -> int:
    counted = set(topics)
    return sum(
        lag
        for worker in workers
        if worker["at"] >= since
        for topic, lag in worker["lag"].items()
        if topic in counted
    )
