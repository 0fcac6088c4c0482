"""Corrections move cost and never make any; what stands is told once, and taken back when its rule is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from domain.billing.charges import book
from domain.billing.coverage import coverage
from domain.billing.details import DetailKey, detail_of
from domain.fx import Rates
from domain.money import add_up
from domain.reattribution.correcting import Told, corrections, news
from domain.reattribution.rules import Rule, Wording, make_rule
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.billing.editions import Edition
    from domain.billing.row import BillingRow

DAY = int(datetime(2026, 10, 3, tzinfo=UTC).timestamp())
KEY = DetailKey(
    DAY, "acme", "unattributed", "unattributed", "legacy", "unattributed", "compute.amazon_ec2", "aws", "usage",
    "111", "999", "Amazon EC2", "sku-1", "us-east-1", "Hours",
)  # fmt: skip
TOLD = Told(KEY, Decimal(3), (Decimal("1.5"), Decimal("1.25"), None, Decimal(2)))


def rule(select: Mapping[str, list[str]] | None = None, to: Mapping[str, str] | None = None, version: int = 1) -> Rule:
    found = make_rule(Wording("legacy", select or {"account": ["111"]}, to or {"team": "search"}, version))
    assert not isinstance(found, Rejected), found
    return found


def team_of(_service: str) -> str:
    return "another"


def booked(row: BillingRow) -> tuple[DetailKey, tuple[Decimal | None, ...]]:
    found = book(row, Rates(), "USD", team_of)
    return detail_of(row, found), found.amounts


def test_a_correction_takes_from_the_scope_where_it_was_booked_and_gives_to_that_of_the_rule() -> None:
    ((statement, rows),) = corrections([TOLD], [rule()], "USD").items()
    assert statement == "aws/reattribution/legacy/2026-10-01"
    assert dict(map(booked, rows)) == {
        KEY: (Decimal("-1.5"), Decimal("-1.25"), None, Decimal(-2)),
        KEY._replace(team="search"): (Decimal("1.5"), Decimal("1.25"), None, Decimal(2)),
    }
    assert {row.charge_class for row in rows} == {"Correction"}
    assert [row.charge_description for row in rows] == [
        "taken by rule legacy, version 1", "given by rule legacy, version 1",
    ]  # fmt: skip


def test_the_first_rule_that_selects_has_it_and_days_bound_a_rule() -> None:
    later = rule()._replace(since=DAY + 86_400)
    first, second = rule(to={"team": "one"}), rule(to={"team": "two"})
    assert corrections([TOLD], [later], "USD") == {}
    (rows,) = corrections([TOLD], [later, first, second], "USD").values()
    assert {row.team for row in rows} == {"unattributed", "one"}


def test_what_has_the_owner_already_is_left_alone() -> None:
    assert corrections([TOLD], [rule(to={"tenant": "acme"})], "USD") == {}


def test_what_is_told_is_not_told_again_and_a_state_that_comes_back_is_a_new_edition() -> None:
    standing: dict[str, Edition] = {}
    seen = []
    for version in (1, 2, 1):
        wanted = corrections([TOLD], [rule(version=version)], "USD")
        (told,) = news(wanted, standing, now=100)
        assert told.edition.rows == len(told.rows) == 2
        assert told.moved == Decimal("1.5")
        assert not standing or told.edition.age > standing[told.edition.statement].age
        standing[told.edition.statement] = told.edition
        seen.append(told.edition.assembly)
        assert list(news(wanted, standing, now=100)) == []
    assert len(set(seen)) == 3
    (gone,) = news({}, standing, now=100)
    assert (gone.edition.rows, gone.rows) == (0, ())
    assert list(news({}, {gone.edition.statement: gone.edition}, now=100)) == []


def test_a_correction_makes_no_bill_complete() -> None:
    (told,) = news(corrections([TOLD], [rule()], "USD"), {}, now=100)
    assert coverage([(told.edition.statement, [told.edition])]) == {}


amounts = st.none() | st.decimals(-1000, 1000, places=6)
keys = st.builds(
    KEY._replace,
    team=st.sampled_from(["unattributed", "search", "web"]),
    account=st.sampled_from(["111", "222"]),
    service_name=st.sampled_from(["Amazon EC2", ""]),
    resource_type=st.just("compute.amazon_ec2"),
    category=st.sampled_from(["usage", "credit", "tax"]),
).map(lambda key: key if key.service_name else key._replace(resource_type="compute.compute"))


@given(st.dictionaries(keys, st.tuples(amounts, amounts, amounts, amounts), max_size=12))
def test_corrections_sum_to_nothing_on_every_basis_and_leave_nobody_selected_with_anything(
    lines: dict[DetailKey, tuple[Decimal | None, ...]],
) -> None:
    told = [Told(key, None, each) for key, each in lines.items()]
    rows = [row for each in corrections(told, [rule()], "USD").values() for row in each]
    after: dict[DetailKey, list[Decimal]] = {}
    for key, each in [*lines.items(), *map(booked, rows)]:
        after.setdefault(key, [Decimal(0)] * 4)
        after[key] = [have + (more or 0) for have, more in zip(after[key], each, strict=True)]
    for place in range(4):
        assert add_up(each[place] or Decimal(0) for _, each in map(booked, rows)) == 0
    assert not any(any(each) for key, each in after.items() if key.account == "111" and key.team != "search")


def test_a_rule_that_says_nothing_is_refused() -> None:
    for words, why in (
        (Wording("", {"account": ["1"]}, {"team": "a"}), "id"),
        (Wording("a", {}, {"team": "a"}), "select"),
        (Wording("a", {"resource": ["1"]}, {"team": "a"}), "select"),
        (Wording("a", {"account": ["!"]}, {"team": "a"}), "select"),
        (Wording("a", {"account": ["1"]}, {}), "to"),
        (Wording("a", {"account": ["1"]}, {"owner": "a"}), "to"),
        (Wording("a", {"account": ["1"]}, {"team": " "}), "to"),
        (Wording("a", {"account": ["1"]}, {"team": "a"}, version=0), "version"),
        (
            Wording("a", {"account": ["1"]}, {"team": "a"}, since=datetime(2026, 1, 2, tzinfo=UTC).date(),
                    until=datetime(2026, 1, 1, tzinfo=UTC).date()),
            "until",
        ),
    ):  # fmt: skip
        found = make_rule(words)
        assert isinstance(found, Rejected)
        assert found.reason.startswith(f"{why}:")
