"""Weeks of traffic with something wrong with some tenants: told in time, once, as what it is, and nothing else."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pytest

from bench.injected.__main__ import Kind, company, play, told_of
from bench.injected.traffic import START, wrongs
from domain.anomaly.decomposition import Decomposition
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from bench.injected.playing import Playing
    from bench.injected.traffic import Wrong

WHEN: Final = START + 16 * DAY + 13 * HOUR + 600
ALL: Final = {each.name: each for each in wrongs(WHEN, START)}
WRONG: Final = [ALL[name] for name in ("spike x5, an hour", "level x2", "level x1.5", "price + 20 %", "stops")]
TENANTS: Final[list[Wrong | None]] = [*WRONG, ALL["weekend drop"], None, None]
KINDS: Final = (Kind("every 5 min", 300, 12, 0.05, 0.03), Kind("by chance", 0, 600, 0.3, 0.02))


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def played(request: pytest.FixtureRequest) -> Playing:
    return play(company(request.param, 3, TENANTS), START, START + 18 * DAY)


def test_each_is_told_once_and_in_time_and_as_what_it_is(played: Playing) -> None:
    told, others = told_of(played, TENANTS)
    assert others == 0
    for wrong in WRONG:
        ((minutes, kind),) = told[wrong.name]
        assert minutes <= wrong.minutes, wrong
        assert kind in wrong.kinds, wrong
    ((_, kind),) = told["weekend drop"]
    assert kind in ALL["weekend drop"].kinds


def test_the_terms_sum_to_the_difference_and_name_the_driver(played: Playing) -> None:
    for episode in played.episodes.values():
        terms = Decomposition(*episode.figures.terms)
        assert sum(terms, Decimal(0)) == episode.figures.difference
        assert terms.driver == ("price" if episode.kind == "unit-cost" else "volume")
