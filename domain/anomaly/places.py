"""Models and regions: what the names of prices tell of a difference, beside the dimensions of a scope.

Lines of five minutes are kept for some hours and carry their price. What a value should have cost is its share of the
hour before, of what was expected.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from domain.anomaly.bounds import to_float
from domain.anomaly.episodes import terms_of
from domain.scope import DIMENSIONS
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domain.anomaly.hours import HourLine
    from domain.anomaly.stories import Finding

    # What was spent between two instants, at which prices.
    Lines = Callable[[int, int], Iterable[HourLine]]

MODEL: Final = "model"
REGION: Final = "region"
# As AWS and as Google Cloud name them: a model may have slashes and numbers in its name, too.
_REGIONS: Final = re.compile(
    r"(us|eu|ap|ca|sa|me|af|il|mx|cn)-[a-z]+(-[a-z]+)?-\d+"
    r"|(us|europe|asia|australia|northamerica|southamerica|me|africa)-[a-z]+\d+"
)


@lru_cache(maxsize=10_000)
def named_in(price_id: str) -> tuple[tuple[str, str], ...]:
    """Return the dimensions and values that a price's name tells.

    >>> named_in("openai/gpt-4o@2026-01-01+batch#1f")
    (('model', 'gpt-4o'),)
    >>> named_in("compute.gpu_hours/aws/eu-west-1@base#1f")
    (('region', 'eu-west-1'),)
    """
    first, *more = price_id.partition("@")[0].partition("+")[0].split("/")
    if "." in first:
        return tuple((REGION, value) for value in more[1:2])
    if len(more) > 1 and _REGIONS.fullmatch(more[-1]):
        return (MODEL, "/".join(more[:-1])), (REGION, more[-1])
    return ((MODEL, "/".join(more)),) if more else ()


def drill(finding: Finding, start: int, width: int, lines: Lines) -> dict[tuple[str, str], float]:
    """Return by (dimension, value) of models and regions how much more than expected was spent."""
    now = _by_value(finding, lines(start, start + width))
    if not now.values:
        return {}
    before = _by_value(finding, lines(start - HOUR, start))
    usual = before if before.whole > 0 else now
    expected = finding.judged.expected
    shares = {each: amount / usual.whole for each, amount in usual.values.items()} if usual.whole > 0 else {}
    return {
        each: now.values.get(each, 0.0) - shares.get(each, 0.0) * expected for each in sorted({*now.values, *shares})
    }


class _Sums:
    def __init__(self) -> None:
        self.whole = 0.0
        self.values: defaultdict[tuple[str, str], float] = defaultdict(float)


def _by_value(finding: Finding, lines: Iterable[HourLine]) -> _Sums:
    terms, driver = terms_of(finding.key), finding.key[2]
    wanted = [(DIMENSIONS.index(name), value) for name, value in terms.items()]
    sums = _Sums()
    for line in lines:
        if line.resource_type.partition(".")[0] == driver and all(line.values[at] == value for at, value in wanted):
            amount = to_float(line.amount)
            sums.whole += amount
            for each in named_in(line.variant):
                sums.values[each] += amount
    return sums


def nothing(start: int, end: int) -> Iterable[HourLine]:  # noqa: ARG001 - in the place of lines that nobody keeps
    """Return no lines."""
    return ()
