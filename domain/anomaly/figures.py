"""The figures of a finding: exact amounts, what the difference is made of, who contributes most."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from domain.anomaly import places
from domain.anomaly.bounds import to_float
from domain.anomaly.decomposition import Decomposition, decompose, rounded
from domain.anomaly.episodes import Figures, terms_of
from domain.anomaly.places import nothing
from domain.money import ZERO, add, add_up
from domain.scope import DIMENSIONS
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from domain.anomaly.hours import Observed, ScopeKey
    from domain.anomaly.places import Lines
    from domain.anomaly.spend import Judgement
    from domain.anomaly.state import SpendState
    from domain.anomaly.stories import Finding

    Judged = Mapping[ScopeKey, tuple[Judgement, Observed]]

TOP: Final = 3
LEAK: Final = "leak"
_WORTH: Final = 0.1


def explain(
    finding: Finding, hour: int, state: SpendState | None, judged: Judged, width: int = HOUR, lines: Lines = nothing
) -> Figures:
    """Return the figures of an odd window that starts with `hour`.

    `judged` is what everybody spent in it, `lines` at which prices.
    """
    if finding.kind == LEAK:
        return _leak(finding, hour)
    parts, found = finding.parts, finding.judged
    expected = rounded(found.expected)
    drilled = _drill(finding, judged) | places.drill(finding, hour, width, lines)
    usual = {} if state is None else state.prices
    return Figures(
        hour=hour,
        actual=add_up(part.amount for part in parts.values()),
        expected=expected,
        deviation=rounded(found.deviation),
        sigma=found.z,
        terms=tuple(decompose(parts, expected, usual)),
        contributors=tuple(_contributors(finding, usual, drilled)),
        width=width,
        frequency=found.frequency,
    )


def _leak(finding: Finding, hour: int) -> Figures:
    """Return a day of the last week against one of a fortnight before; more of the same, as prices are judged apart."""
    now, before = rounded(finding.judged.actual * 24), rounded(finding.judged.expected * 24)
    terms = Decomposition(ZERO, add(now, -before), ZERO, ZERO, ZERO, ZERO)
    deviation = rounded(finding.judged.deviation)
    return Figures(hour - hour % DAY, now, before, deviation, finding.judged.z, tuple(terms), width=DAY)


def _contributors(
    finding: Finding, usual: Mapping[str, list[float]], drilled: Mapping[tuple[str, str], float]
) -> Iterable[tuple[str, str, Decimal]]:
    """Yield the values of each open dimension that make most of the difference, largest first."""
    whole = finding.judged.difference
    found: list[tuple[str, str, Decimal]] = []
    for (dimension, value), amount in drilled.items():
        if amount * whole > 0 and abs(amount) >= _WORTH * abs(whole):
            found.append((dimension, value, rounded(amount)))
    level = sum(each[1] for each in usual.values())
    for name, part in finding.parts.items():
        share = usual[name][1] / level if level and name in usual else 0.0
        more = to_float(part.amount) - share * finding.judged.expected
        if more * whole > 0 and abs(more) >= _WORTH * abs(whole):
            found.append(("resource_type", name, rounded(more)))
    found.sort(key=lambda each: -abs(each[2]))
    counts: defaultdict[str, int] = defaultdict(int)
    for each in found:
        counts[each[0]] += 1
        if counts[each[0]] <= TOP:
            yield each


def _drill(finding: Finding, judged: Judged) -> dict[tuple[str, str], float]:
    terms, driver = terms_of(finding.key), finding.key[2]
    differences: defaultdict[tuple[str, str], float] = defaultdict(float)
    if len(terms) == len(DIMENSIONS):
        return differences
    for (projection, values, of), (found, _) in judged.items():
        if projection != "full" or of != driver:
            continue
        full = dict(zip(DIMENSIONS, values, strict=True))
        if all(full[name] == value for name, value in terms.items()):
            for name in DIMENSIONS:
                if name not in terms:
                    differences[name, full[name]] += found.difference
    return differences


def owner_of(figures: Figures, scope: Mapping[str, str]) -> str:
    """Return the team that the scope, or most of the difference, belongs to; empty when nobody knows."""
    if "team" in scope:
        return scope["team"]
    return next((value for dimension, value, _ in figures.contributors if dimension == "team"), "")
