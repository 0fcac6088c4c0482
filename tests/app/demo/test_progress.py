"""Progress where there is no terminal: lines, not a redrawn bar."""

from __future__ import annotations

import io

from rich.console import Console

from app.demo.progress import stage


def lines_of(*steps: int, total: int | None) -> list[str]:
    out = io.StringIO()
    with stage(Console(file=out, force_terminal=False, width=80), "Playing", total) as advance:
        for step in steps:
            advance(step)
    return out.getvalue().splitlines()


def test_a_stage_is_announced_and_its_end_always_told() -> None:
    assert lines_of(1, 2, 3000, total=3000) == [
        "Playing ...",
        "Playing: 1 of 3,000 events",
        "Playing: 3,000 of 3,000 events",
    ]


def test_an_estimate_is_called_one_until_the_total_is_known() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=False, width=80)
    with stage(console, "Playing", 3000, estimated=True) as advance:
        advance(1000)
        advance(2990, 2990)
    assert out.getvalue().splitlines()[1:] == [
        "Playing: 1,000 of about 3,000 events",
        "Playing: 2,990 of 2,990 events",
    ]


def test_standing_still_is_not_repeated() -> None:
    assert lines_of(10, 10, 10, total=10) == ["Playing ...", "Playing: 10 of 10 events"]


def test_a_stage_without_a_size_tells_what_is_done() -> None:
    assert lines_of(5, total=None) == ["Playing ...", "Playing: 5 events"]


def test_a_terminal_gets_a_bar() -> None:
    out = io.StringIO()
    with stage(Console(file=out, force_terminal=True, width=100), "Playing", 10) as advance:
        advance(10)
    assert "100%" in out.getvalue()
