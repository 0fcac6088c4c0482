"""How much of what happened is in the figures: read from the progress that workers report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from app.adapters.redis_view import SHOWING
from app.api import workers
from domain.billing.coverage import by_provider
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.api.ports import View
    from app.topics import Topics

# What `completeness_of` is told from.
KINDS: Final = ("progress", workers.KIND)
_METER: Final = "meter:"
_BILLS: Final = "bills:"


class Completeness(NamedTuple):
    """How much of what happened is in the figures.

    `watermark` is the newest event time that was folded (epoch seconds), None before the first event; `lag` counts the
    records that were sent and are not in the figures; `billed` is, by provider, before which instant bills are
    complete, or were as of an instant (milliseconds since 1970). While `rebuilding`, the view is written anew from the
    tables, and figures may be too low. While `moving`, partitions of usage are on their way from one worker to another:
    what waits in them is not in `lag`.
    """

    watermark: int | None
    lag: int
    billed: dict[str, int]
    as_of: int | None = None
    rebuilding: bool = False
    moving: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the member `completeness` of an answer."""
        billed = [{"provider": name, "complete_until": to_rfc3339(at)} for name, at in sorted(self.billed.items())]
        found: dict[str, Any] = {
            "metered": {"watermark": None if self.watermark is None else to_rfc3339(self.watermark), "lag": self.lag},
            "billed": billed or None,
        }
        if self.rebuilding:
            found["metered"]["rebuilding"] = True
        if self.moving:
            found["metered"]["moving"] = True
        if self.as_of is not None:
            found["as_of"] = datetime.fromtimestamp(self.as_of / 1000, UTC).isoformat().replace("+00:00", "Z")
        return found


async def read_completeness(view: View, topics: Topics, now: float) -> Completeness:
    """Return how much is in the figures. Read it before them: it must not promise more than they hold."""
    documents, _ = await view.standing(KINDS, ())
    return completeness_of(documents, topics, now)


def completeness_of(documents: Sequence[Mapping[str, bytes]], topics: Topics, now: float) -> Completeness:
    """Return how much was in the figures when the documents of `KINDS` were read."""
    progress, heartbeats = documents
    alive = workers.alive_of(heartbeats, now)
    behind = workers.lag(alive.values())
    # Who died in the midst of it shows nothing any more.
    rebuilding = any(f"{SHOWING}{name}" in progress for name in alive)
    lag = sum(behind.get(topic, 0) for topic in (topics.usage_metered, topics.billing_deltas, topics.cost_totals))
    moving = not metered_partitions(progress) <= workers.owned(alive.values(), topics.usage_metered)
    return Completeness(newest(progress), lag, billed_until(progress), rebuilding=rebuilding, moving=moving)


async def read_billed_until(view: View) -> tuple[tuple[str, int], ...]:
    """Return by provider before which instant bills are complete, as queries take it."""
    return tuple(sorted(billed_until(await view.documents("progress")).items()))


def billed_until(progress: Mapping[str, bytes]) -> dict[str, int]:
    """Return by provider before which instant (epoch seconds) bills are complete."""
    return by_provider(
        orjson.loads(text)["complete_until"] for name, text in progress.items() if name.startswith(_BILLS)
    )


def judged_until(progress: Mapping[str, bytes]) -> int | None:
    """Return up to when (epoch seconds) detection has judged every hour; None before any."""
    text = progress.get("anomaly")
    return None if text is None else int(orjson.loads(text)["judged_until"])


def metered_partitions(progress: Mapping[str, bytes]) -> set[int]:
    """Return the partitions of usage of which any was ever folded."""
    return {int(name.removeprefix(_METER)) for name in progress if name.startswith(_METER)}


def newest(progress: Mapping[str, bytes]) -> int | None:
    """Return the newest event time (epoch seconds) in the progress documents of all source partitions."""
    reported = (orjson.loads(text)["watermark"] for name, text in progress.items() if name.startswith(_METER))
    return max((at for at in reported if at > 0), default=None)
