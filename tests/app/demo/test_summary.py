"""What a person reads, rendered from canned answers; and what counts as adding up."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from app.demo.checks import Check, check
from app.demo.outcome import Outcome, read_outcome
from app.demo.recomputed import Recomputed
from app.demo.summary import bar, dollars, moment, show, sparkline
from app.sample import Trouble
from domain.pricing import PriceBook
from tests.app.demo.canned import AMOUNTS, WINDOW, ask, received

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def expected() -> Recomputed:
    troubles = Counter({Trouble.NONE: 2, Trouble.LATE: 1, Trouble.DUPLICATE: 2, Trouble.MALFORMED: 3})
    return Recomputed(PriceBook.load(), dict(AMOUNTS), troubles, records=8, events=3, unpriced=1)


@pytest.fixture
def outcome() -> Outcome:
    return read_outcome(ask, received(), **WINDOW)


def failed(checks: tuple[Check, ...]) -> list[str]:
    return [claim for claim, holds, _ in checks if not holds]


def test_a_consistent_system_adds_up(outcome: Outcome, expected: Recomputed) -> None:
    assert failed(check(outcome, expected)) == []


SPOILED: dict[str, Callable[[Outcome], Outcome]] = {
    "one unit of money too much": lambda was: dataclasses.replace(was, total=was.total + Decimal("1e-12")),
    "a tenant missing": lambda was: dataclasses.replace(was, tenants=was.tenants[1:]),
    "a feature renamed": lambda was: dataclasses.replace(
        was, features=(dataclasses.replace(was.features[0], name="x"), *was.features[1:])
    ),
    "an event folded twice": lambda was: dataclasses.replace(was, events=was.events + 1),
    "a rejection lost": lambda was: dataclasses.replace(was, rejected={"units: missing": 1}),
    "an unpriced event taken for free": lambda was: dataclasses.replace(was, unpriced=0),
    "a crossing not announced": lambda was: dataclasses.replace(was, crossings=was.crossings[1:]),
    "a crossing announced twice": lambda was: dataclasses.replace(was, crossings=was.crossings * 2),
    "a bad signature": lambda was: dataclasses.replace(was, refused=1),
    "a webhook delivered twice": lambda was: dataclasses.replace(was, deliveries=was.deliveries + 1),
    "no webhook at all": lambda was: dataclasses.replace(was, webhooks=0, deliveries=0),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_whatever_is_wrong_is_noticed(
    spoil: Callable[[Outcome], Outcome], outcome: Outcome, expected: Recomputed
) -> None:
    assert failed(check(spoil(outcome), expected))


def rendered(outcome: Outcome, expected: Recomputed, checks: tuple[Check, ...], width: int = 120) -> str:
    console = Console(width=width, force_terminal=False, record=True, file=io.StringIO())
    show(console, outcome, expected, title="Northwind", checks=checks, seconds=4.0)
    return console.export_text()


def test_the_summary_tells_speed_spend_budgets_flags_quality_and_checks(outcome: Outcome, expected: Recomputed) -> None:
    text = rendered(outcome, expected, check(outcome, expected))
    for line in (
        "8 events in 4.0 s, 2 a second",
        "USD, exactly 100.000001",
        "acme",
        "80.0%",
        "tenant=acme",
        "50% 24 Oct 05:12",
        "70% 24 Oct 07:12",
        "chat-tier",
        "throttled",
        "not JSON: Expected a value",
        "4.50 USD without team",
        "obeyed, it would have saved up to 79.30 USD",
        "A month is played here in about a minute",
        "on 20 Oct 06:00 it was foreseen that 100% would be reached on 27 Oct 12:00",
        "Anomalies: 1, the dearest of them",
        "level-shift, third_party",
        "each threshold crossed was announced once",
    ):
        assert line in text
    assert "WRONG" not in text


def test_eighty_columns_cut_nothing(outcome: Outcome, expected: Recomputed) -> None:
    exact = "12345.678901234567890123456789"
    scope = "tenant=a-tenant-with-quite-a-long-name,environment=production,feature=an-assistant-for-everything"
    budget = dataclasses.replace(outcome.budgets[0], scope=scope)
    checks = (Check("the parts sum to the total, by tenant and by feature, however long this claim is", True, exact),)
    text = rendered(dataclasses.replace(outcome, budgets=(budget,)), expected, checks, width=80)
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    assert exact in text
    assert scope.rpartition("=")[2][-5:] in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_failed_check_stands_out(outcome: Outcome, expected: Recomputed) -> None:
    assert "WRONG" in rendered(outcome, expected, (Check("claim", False, "1 is not 2"),))


def test_sparklines_run_from_zero_to_their_own_maximum() -> None:
    assert sparkline([Decimal(0), Decimal(5), Decimal(10)]) == "▁▅█"
    assert sparkline([Decimal(0)]) == "▁"
    assert sparkline([]) == ""


def test_bars_show_shares_and_never_hide_one() -> None:
    assert (len(bar(Decimal(1))), len(bar(Decimal("0.5"))), len(bar(Decimal("0.001"))), bar(Decimal(0))) == (
        20,
        10,
        1,
        "",
    )


def test_money_and_moments_are_written_for_reading() -> None:
    assert dollars(Decimal("1234.505")) == "1,234.50"
    assert moment("2026-10-24T03:12:59.123Z") == "24 Oct 03:12"
