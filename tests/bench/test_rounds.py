from __future__ import annotations

from bench.processes import FailedError
from bench.progress import steps
from bench.rounds import SPEED, Contender, Figure, interleave


def test_contenders_take_turns_in_every_round() -> None:
    order: list[str] = []

    def contender(name: str) -> Contender:
        def measure(number: int) -> Figure:
            order.append(f"{name}{number}")
            return {SPEED: 1.0}

        return Contender(name, measure)

    with steps("test", 4) as bar:
        interleave([contender("a"), contender("b")], 2, bar)
    assert order == ["a0", "b0", "a1", "b1"]


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    # The machine is ten times slower in the last rounds; the ratio does not change with it.
    ours, theirs = [200.0, 20.0, 30.0], [100.0, 10.0, 10.0]
    contenders = [
        Contender("ours", lambda number: {SPEED: ours[number]}),
        Contender("theirs", lambda number: {SPEED: theirs[number]}),
    ]
    with steps("test", 6) as bar:
        results = interleave(contenders, 3, bar)
    assert results.ratio("ours", "theirs") == 2.0
    assert results.median("ours", SPEED) == 30.0


def test_a_contender_that_fails_once_gets_another_chance() -> None:
    tries: list[int] = []

    def moody(number: int) -> Figure:
        tries.append(number)
        if tries == [0, 1]:
            raise FailedError("it hangs now and then")
        return {SPEED: 1.0}

    with steps("test", 3) as bar:
        results = interleave([Contender("peer", moody)], 3, bar)
    assert (tries, results.failed) == ([0, 1, 1, 2], {})


def test_a_contender_that_fails_twice_in_a_round_is_out_with_its_reason() -> None:
    def failing(number: int) -> Figure:
        if number == 1:
            raise FailedError("no disk")
        return {SPEED: 1.0}

    with steps("test", 3) as bar:
        results = interleave([Contender("ours", failing)], 3, bar)
    assert results.failed == {"ours": "no disk"}
    assert results.ratio("ours", "ours") is None
