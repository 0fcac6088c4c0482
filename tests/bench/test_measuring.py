from __future__ import annotations

from itertools import count

import pytest

from bench.percentiles import milliseconds, percentile
from bench.processes import FailedError, figures
from bench.watch import Watch


def test_figures_are_on_the_last_line_whatever_a_framework_prints_before() -> None:
    assert figures(b'banner {1}\nstarting \xe2\x97\x8d\n{"a": 1}\n\n', b"") == {"a": 1}


@pytest.mark.parametrize("stdout", [b"", b"done", b"[1]"])
def test_a_contender_without_figures_is_told_by_the_end_of_its_errors(stdout: bytes) -> None:
    with pytest.raises(FailedError, match=r"KeyError: 'retention\.ms'"):
        figures(stdout, b"Traceback\nKeyError: 'retention.ms'\n")


def test_events_count_from_the_first_arrival() -> None:
    seconds = count(10.0)
    watch = Watch(6, clock=lambda: next(seconds), cpu_clock=lambda: 0.0)
    watch.start()
    assert not watch.add(5)
    assert watch.add(1)
    assert watch.figures()["events_per_second"] == 6


def test_without_an_arrival_the_first_events_start_the_clock_and_do_not_count() -> None:
    seconds = count(10.0)
    watch = Watch(6, clock=lambda: 0.0 if next(seconds) == 10 else 2.0, cpu_clock=lambda: 0.0)
    assert not watch.add(2)
    assert watch.add(4)
    assert watch.figures()["events_per_second"] == 2


def test_percentiles_are_measured_values() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (50, 95, 99)] == [50, 95, 99]
    assert milliseconds([0.5]) == {"p50_ms": 500, "p95_ms": 500, "p99_ms": 500}
    assert milliseconds([]) == {"p50_ms": None, "p95_ms": None, "p99_ms": None}
