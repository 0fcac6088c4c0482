"""Bills are folded from what is stored: repeated, in whatever order editions come, the sums are the same."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.billing.books import LOOSE, Fold, StatementRow, SumKey, SumRow
from domain.billing.charges import book, charges, resource_type
from domain.billing.delta import Delta, read
from domain.billing.editions import EDITION_CLOSED, Edition
from domain.billing.row import BILLING_DELTA, BillingRow
from domain.billing.tags import TagTable
from domain.fx import Month, OwnRate, Rates
from domain.rejection import Rejected

if TYPE_CHECKING:
    from domain.billing.details import DetailPlace, DetailRow

NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)
STATEMENT = "AWS/cur/acct/2026-11-01"


def row(cost: str, *, assembly: str = "", statement: str = STATEMENT, **more: Any) -> BillingRow:
    return BillingRow(
        billed_cost=Decimal(cost),
        effective_cost=None,
        billing_currency="USD",
        charge_category="Usage",
        charge_period_start=NOVEMBER,
        charge_period_end=DECEMBER,
        billing_period_start=NOVEMBER,
        billing_period_end=DECEMBER,
        statement=statement if assembly else "",
        assembly=assembly,
        provider_name="AWS",
        **more,
    )


def edition(assembly: str, rows: int, written: int) -> Edition:
    return Edition(STATEMENT, "", assembly, written, final=False, latest=0, rows=rows, rejected=0, content="0")


@dataclass
class Stored:
    """Rows in memory."""

    by_name: dict[str, StatementRow] = field(default_factory=dict)
    sums: dict[SumKey, SumRow] = field(default_factory=dict)
    identities: dict[bytes, int] = field(default_factory=dict)
    kept: dict[DetailPlace, DetailRow] = field(default_factory=dict)

    def statement(self, name: str) -> StatementRow | None:
        return self.by_name.get(name)

    def statements(self) -> int:
        return len(self.by_name)

    def sum(self, key: SumKey) -> SumRow | None:
        return self.sums.get(key)

    def detail(self, place: DetailPlace) -> DetailRow | None:
        return self.kept.get(place)

    def seen(self, identity: bytes) -> int | None:
        return self.identities.get(identity)

    def fold(self, *records: tuple[int, Any], rates: Rates | None = None) -> Fold:
        fold = Fold(self, rates=rates or Rates(), currency="USD", team_of=lambda _: None, published=-1)
        for offset, record in records:
            fold.add(SimpleNamespace(offset=offset, timestamp=1000 + offset), record)
        return fold

    def write(self, fold: Fold, *, sums_only: int | None = None) -> None:
        """Write what was folded; or only so many sums, as if the worker had died then."""
        folded = fold.folded
        self.sums |= dict(list(folded.sums.items())[:sums_only])
        self.kept |= dict(list(folded.details.items())[:sums_only])
        if sums_only is None:
            self.by_name |= folded.statements
            self.identities |= folded.seen

    def total(self) -> Decimal:
        counting = {
            (statement.number, place)
            for name, statement in self.by_name.items()
            for place in ([0] if name == LOOSE else statement.standing())
        }
        return sum(
            (row.amount for key, row in self.sums.items() if (key.statement, key.edition) in counting), Decimal(0)
        )


def imported(assembly: str, costs: list[str], written: int) -> list[Any]:
    rows = [
        Delta("/import", f"{assembly}-{number}", row(cost, assembly=assembly, tenant=f"t{number % 3}"), number)
        for number, cost in enumerate(costs)
    ]
    return [*rows, edition(assembly, len(costs), written)]


def test_nothing_of_an_edition_counts_before_it_is_closed() -> None:
    stored = Stored()
    *rows, end = imported("e1", ["1", "2"], 1)
    stored.write(stored.fold(*enumerate(rows)))
    assert stored.total() == 0
    stored.write(stored.fold((2, end)))
    assert stored.total() == 3


def test_an_edition_that_lacks_rows_is_not_closed_until_it_is_imported_again() -> None:
    stored = Stored()
    whole = imported("e1", ["1", "2", "4"], 1)
    broken = stored.fold(*enumerate([whole[0], whole[2], whole[3]]))
    stored.write(broken)
    assert ["2, and 1 was to come" in reason or "and 1 came" in reason for _, reason in broken.folded.rejected] == [
        True
    ] * 2
    stored.write(stored.fold(*enumerate(whole, 3)))
    assert stored.total() == 7


@given(st.data())
def test_editions_in_any_order_repeated_and_with_crashes_come_to_the_newest(data: st.DataObject) -> None:
    editions = [imported("e1", ["1", "2", "3"], 1), imported("e2", ["10", "20"], 2), imported("e3", ["5"], 3)]
    chosen = data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=6))
    log = list(enumerate(record for number in chosen for record in editions[number]))
    stored, at = Stored(), 0
    while at < len(log):
        size = data.draw(st.integers(1, 4))
        fold = stored.fold(*log[at : at + size])
        if data.draw(st.booleans()):
            stored.write(fold, sums_only=data.draw(st.integers(0, 3)))
            fold = stored.fold(*log[at : at + size])
        stored.write(fold)
        at += size
    assert stored.total() == {0: 6, 1: 30, 2: 5}[max(chosen)]


def test_a_row_by_itself_counts_at_once_and_once_by_its_identity() -> None:
    stored = Stored()
    deltas = [Delta("/x", "1", row("2"), None), Delta("/x", "2", row("3"), None), Delta("/x", "1", row("2"), None)]
    fold = stored.fold(*enumerate(deltas))
    stored.write(fold, sums_only=1)
    stored.write(stored.fold(*enumerate(deltas)))
    assert stored.total() == 5
    again = stored.fold((9, deltas[0]))
    assert again.folded.duplicates == 1


def test_an_edition_with_a_row_without_a_rate_waits_for_the_rate_and_another_import() -> None:
    stored = Stored()
    rows = [row("1", assembly="e1"), *[row(cost, assembly="e1") for cost in ("2", "4")]]
    rows[1] = msgspec.structs.replace(rows[1], billing_currency="EUR")
    whole = [*(Delta("/import", str(number), one, number) for number, one in enumerate(rows)), edition("e1", 3, 1)]
    fold = stored.fold(*enumerate(whole))
    stored.write(fold)
    assert [reason for _, reason in fold.folded.rejected] == [
        "no rate from EUR to USD for 2026-11; add it as [[fx.rates]] to the configuration",
        "the edition has 3 rows, and 1 came; import the bill again",
    ]
    assert stored.total() == 0
    rates = Rates(own=[OwnRate(Month(2026, 11), "EUR", "USD", Decimal("1.1"))])
    stored.write(stored.fold(*enumerate(whole, 4), rates=rates))
    assert stored.total() == Decimal("7.2")


def test_cost_is_in_the_reporting_currency_and_a_missing_rate_is_named() -> None:
    euros = msgspec.structs.replace(row("10"), billing_currency="EUR")
    rates = Rates(own=[OwnRate(Month(2026, 11), "EUR", "USD", Decimal("1.1"))])
    stored = Stored()
    stored.write(stored.fold((0, Delta("/x", "1", euros, None)), rates=rates))
    assert stored.total() == 11
    fold = stored.fold((1, Delta("/x", "2", msgspec.structs.replace(euros, billing_currency="CHF"), None)), rates=rates)
    assert [reason for _, reason in fold.folded.rejected] == [
        "no rate from CHF to USD for 2026-11; add it as [[fx.rates]] to the configuration"
    ]


def test_each_basis_that_a_bill_tells_is_a_cost_of_its_own() -> None:
    line = msgspec.structs.replace(row("10"), list_cost=Decimal(12), charge_category="Credit")
    found = {key.source: amount for key, amount in charges(book(line, Rates(), "USD", lambda _: None))}
    assert found == {"billed/aws/billed/credit": Decimal(10), "billed/aws/list/credit": Decimal(12)}


def test_a_charge_without_a_team_is_its_services_owners() -> None:
    line = row("1", service="ranker")
    ((key, _),) = charges(book(line, Rates(), "USD", {"ranker": "search"}.get))
    assert key.team == "search"


@pytest.mark.parametrize(
    ("category", "service", "expected"),
    [
        ("Compute", "Amazon Elastic Compute Cloud", "compute.amazon_elastic_compute_cloud"),
        (None, "Amazon Simple Storage Service", "storage.amazon_simple_storage_service"),
        (None, "Azure Bandwidth", "network.azure_bandwidth"),
        ("AI and Machine Learning", "Bedrock", "third_party.bedrock"),
        (None, None, "third_party.other"),
    ],
)
def test_a_charge_has_the_driver_of_its_category_or_of_its_services_name(
    category: str | None, service: str | None, expected: str
) -> None:
    assert resource_type(category, service) == expected


def event(kind: str = BILLING_DELTA, **data: Any) -> bytes:
    focus = {
        "BilledCost": "1.50",
        "EffectiveCost": 1.25,
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargePeriodStart": "2026-11-01T00:00:00Z",
        "ChargePeriodEnd": "2026-11-02T00:00:00Z",
        "BillingPeriodStart": "2026-11-01T00:00:00Z",
        "BillingPeriodEnd": "2026-12-01T00:00:00Z",
    }
    return msgspec.json.encode({"specversion": "1.0", "id": "1", "source": "/x", "type": kind, "data": focus | data})


def test_a_row_from_elsewhere_takes_its_scope_from_its_tags() -> None:
    delta = read(event(Tags={"env": "production", "customer": "acme"}), (), TagTable())
    assert isinstance(delta, Delta)
    assert (delta.row.tenant, delta.row.environment, delta.ordinal) == ("acme", "production", None)
    assert (delta.row.billed_cost, delta.row.effective_cost) == (Decimal("1.50"), Decimal("1.25"))


def test_binary_mode_is_read_too() -> None:
    data = msgspec.json.encode(msgspec.json.decode(event())["data"])
    headers = [("ce_specversion", b"1.0"), ("ce_id", b"7"), ("ce_source", b"/y"), ("ce_type", BILLING_DELTA.encode())]
    delta = read(data, headers, TagTable())
    assert isinstance(delta, Delta)
    assert (delta.id, delta.source) == ("7", "/y")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "no value"),
        (b"{", "truncated"),
        (b"\xff", ""),
        (event(kind="costguard.other"), "type"),
        (event(kind=EDITION_CLOSED), "statement"),
        (event(BilledCost="NaN"), "BilledCost"),
        (event(BilledCost="1e999"), "BilledCost"),
        (event(ChargeCategory="usage?"), "ChargeCategory"),
        (event(ChargePeriodStart="1890-01-01T00:00:00Z"), "ChargePeriodStart"),
        (event(ChargePeriodStart="yesterday"), ""),
        (b"[" * 100_000, ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(value: bytes | None, why: str) -> None:
    refused = read(value, (), TagTable())
    assert isinstance(refused, Rejected)
    assert why in refused.reason


def test_any_bytes_are_read_or_refused() -> None:
    counts: defaultdict[type, int] = defaultdict(int)
    whole = event(Tags={"a": "b"})
    for end in range(len(whole)):
        counts[type(read(whole[:end], (), TagTable()))] += 1
    assert set(counts) == {Rejected}
