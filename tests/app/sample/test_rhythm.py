"""Load shapes: about one on average, busy when the name says so."""

from __future__ import annotations

import pytest

from app.sample.rhythm import Rhythm, consumer, flat, nightly, office

HOURS = [(quarter / 4, weekday) for weekday in range(7) for quarter in range(96)]


@pytest.mark.parametrize("rhythm", [office, consumer, nightly, flat])
def test_load_is_never_zero_and_about_one_over_a_week(rhythm: Rhythm) -> None:
    loads = [rhythm(hour, weekday) for hour, weekday in HOURS]
    assert min(loads) > 0
    assert sum(loads) / len(loads) == pytest.approx(1.0, abs=0.15)


def test_office_is_busiest_on_a_working_day_after_noon() -> None:
    assert max(HOURS, key=lambda at: office(*at))[0] == 13.5
    assert office(13.5, 5) < office(13.5, 2) / 2


def test_nightly_batches_run_at_night_across_midnight() -> None:
    assert nightly(2.5, 0) > 10 * nightly(14, 0)
    assert nightly(23.5, 0) > nightly(12, 0)
