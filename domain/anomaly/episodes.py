"""One anomaly from its first odd window to its end: one id, updated while it lasts, told when it begins and ends.

The id is a hash of scope, driver, direction and first hour (or day), so a replay, a restart or a rebalance finds the
same one. Five minutes have the id of their hour: it is the same anomaly, whichever sees it first.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.anomaly.bills import ACCOUNT_SERVICE
from domain.anomaly.decomposition import Decomposition
from domain.anomaly.fast_state import WIDTH
from domain.cloudevents import envelope, event_id
from domain.money import RATIO, ZERO, add, quantity_to_text, to_text
from domain.projections import PROJECTIONS
from domain.sources import METERED, parse
from domain.windows import DAY, HOUR, to_rfc3339

if TYPE_CHECKING:
    from domain.anomaly.hours import ScopeKey

DETECTED: Final = "costguard.anomaly.detected"
CLOSED: Final = "costguard.anomaly.closed"
AGENT: Final = "anomaly"
SEVERITIES: Final = ("low", "medium", "high", "critical")
# What bills are looked at by, beside scopes.
_DIMENSIONS: Final = {**PROJECTIONS, ACCOUNT_SERVICE: ("account", "service_name")}
_STEPS: Final = (Decimal(10), Decimal(100), Decimal(1000))
_CENT: Final = Decimal("0.01")
_SIGMA_STEP: Final = Decimal("0.1")


class Figures(msgspec.Struct, frozen=True, array_like=True):
    """What one odd hour was, and what its difference is made of; `contributors` are (dimension, value, difference).

    `frequency` is the share of hours in which the scope spends anything.
    """

    hour: int
    actual: Decimal
    expected: Decimal
    deviation: Decimal
    sigma: float
    terms: tuple[Decimal, ...]
    contributors: tuple[tuple[str, str, Decimal], ...] = ()
    width: int = HOUR
    frequency: float = 1.0

    @property
    def difference(self) -> Decimal:
        """Actual less expected, exactly."""
        return add(self.actual, -self.expected)


class Episode(msgspec.Struct, array_like=True):
    """An anomaly; `first` and `last` are odd hours, `calm` counts the hours in order since."""

    id: str
    kind: str
    projection: str
    values: tuple[str, ...]
    driver: str
    above: bool
    first: int
    last: int
    figures: Figures
    so_far: Decimal
    hours: int = 1
    calm: int = 0
    closed: int = 0  # the hour in which it ended
    reason: str = ""
    members: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
    verdict: str = ""
    heard: int = -1  # offset of the newest feedback
    owner: str = ""
    series: tuple[tuple[int, float, float, float], ...] = ()  # start, actual, expected, deviation
    until: int = 0  # the end of the newest odd window
    windows: int = 0  # odd five minutes of the hour that is not judged yet
    pending: Decimal = ZERO  # what they come to
    minutes: int = 0  # seconds of odd five minutes in hours that were ordinary
    source: str = METERED  # or billed/<provider>

    @property
    def at_stake(self) -> Decimal:
        """Money so far, with what its hour will count again."""
        return add(self.so_far, self.pending)

    @property
    def key(self) -> ScopeKey:
        """The scope and driver it is told of."""
        return self.projection, self.values, self.driver

    @property
    def scope(self) -> dict[str, str]:
        """The scope by dimension."""
        return terms_of(self.key)

    @property
    def per_day(self) -> Decimal:
        """Money a day: if it goes on as in its odd hours, as often as it spends; once it is over, what it was."""
        so_far = abs(self.at_stake)
        width = max(self.figures.width, HOUR)
        if self.closed and width == HOUR:
            days = max(1, -(-(self.last + HOUR - self.first) // DAY))
            return RATIO.divide(so_far, Decimal(days)).quantize(_CENT, context=RATIO)
        seconds = self.hours * width + self.minutes + self.windows * WIDTH
        a_day = Decimal(DAY * self.figures.frequency)
        return RATIO.multiply(RATIO.divide(so_far, Decimal(seconds)), a_day).quantize(_CENT)

    @property
    def severity(self) -> str:
        """By money a day, not by sigma."""
        return SEVERITIES[sum(self.per_day >= step for step in _STEPS)]


def terms_of(key: ScopeKey) -> dict[str, str]:
    """Return the scope of a key by dimension; empty for everything."""
    return dict(zip(_DIMENSIONS[key[0]], key[1], strict=True))


def identity(key: ScopeKey, *, above: bool, hour: int, source: str = METERED) -> str:
    """Return the id of an anomaly that begins in an hour, or on a day of a bill."""
    of = () if source == METERED else (source,)
    return "a-" + event_id(DETECTED, key[0], *key[1], key[2], "above" if above else "below", hour, *of)


def label(key: ScopeKey) -> str:
    """Name a scope as the API takes it."""
    return ",".join(f"{name}={value}" for name, value in terms_of(key).items()) or "all"


def document(episode: Episode, currency: str) -> dict[str, Any]:
    """Return what is told of an anomaly: the `data` of its events and of `GET /anomalies`."""
    return {
        "anomaly_id": episode.id,
        "status": "closed" if episode.closed else "open",
        "kind": episode.kind,
        "direction": "above" if episode.above else "below",
        "severity": episode.severity,
        "scope": episode.scope,
        "driver": episode.driver,
        **_source(episode.source),
        "since": to_rfc3339(episode.first),
        "last": to_rfc3339(episode.until or episode.last + HOUR),
        **_explained(episode.figures, currency),
        "at_stake": {"so_far": to_text(episode.at_stake), "per_day": to_text(episode.per_day), "currency": currency},
        "owner": episode.owner or None,
        "also": list(episode.members),
        "similar": list(episode.similar),
        "feedback": episode.verdict or None,
        "link": f"/anomalies/{episode.id}",
        "closed": {"at": to_rfc3339(episode.closed), "reason": episode.reason} if episode.closed else None,
    }


def _source(source: str) -> dict[str, str]:
    origin = parse(source)
    return {"source": origin.kind, "provider": origin.provider} if origin.provider else {"source": origin.kind}


def series(episode: Episode) -> list[dict[str, Any]]:
    """Return how the spend of the scope came, window by window; for looking at, so floats will do."""
    return [
        {
            "start": to_rfc3339(hour),
            "actual": round(actual, 6),
            "expected": round(expected, 6),
            "lower": round(expected - 3 * deviation, 6),
            "upper": round(expected + 3 * deviation, 6),
        }
        for hour, actual, expected, deviation in episode.series
    ]


def _explained(figures: Figures, currency: str) -> dict[str, Any]:
    terms = Decomposition(*figures.terms)
    band = 3 * figures.deviation
    difference = figures.difference
    return {
        "window": {"start": to_rfc3339(figures.hour), "end": to_rfc3339(figures.hour + figures.width)},
        "actual": to_text(figures.actual),
        "expected": to_text(figures.expected),
        "band": {"lower": to_text(add(figures.expected, -band)), "upper": to_text(add(figures.expected, band))},
        "difference": to_text(difference),
        "currency": currency,
        "sigma": quantity_to_text(Decimal(figures.sigma).quantize(_SIGMA_STEP, context=RATIO)),
        "percent": _percent(difference, figures.expected),
        "decomposition": terms.as_dict(),
        "suspected_driver": terms.driver,
        "contributors": [
            {"dimension": dimension, "value": value, "difference": to_text(amount)}
            for dimension, value, amount in figures.contributors
        ],
    }


def _percent(difference: Decimal, expected: Decimal) -> str | None:
    if not expected:
        return None
    share = RATIO.divide(difference, abs(expected)) * 100
    return quantity_to_text(share.quantize(_SIGMA_STEP, context=RATIO))


def told(episode: Episode, currency: str, now: int) -> bytes:
    """Return the event that an anomaly began."""
    return envelope(
        kind=DETECTED, agent=AGENT, identifier=episode.id, time=episode.first,
        data=document(episode, currency), recorded=now,
    )  # fmt: skip


def told_closed(episode: Episode, currency: str, now: int) -> bytes:
    """Return the event that an anomaly ended; its id is not that of the beginning, which it names."""
    return envelope(
        kind=CLOSED, agent=AGENT, identifier=event_id(CLOSED, episode.id), time=episode.closed,
        data=document(episode, currency), recorded=now,
    )  # fmt: skip


encode_episode = msgspec.msgpack.Encoder().encode
decode_episode = msgspec.msgpack.Decoder(Episode).decode
