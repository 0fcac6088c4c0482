"""Importing: refused whole or read as a stream, the same events each time, restatements counted once."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from app import billing_import
from app.billing_import import Options, Summary, check, publish, read, read_only
from app.billing_plan import make_plan
from domain.billing.editions import Edition, standing
from domain.billing.row import BillingRow
from domain.billing.tags import TagTable
from tests.domain.billing.bills import AWS, AZURE, FOCUS, GCP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Publisher:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.events: list[tuple[bytes, dict[str, Any]]] = []

    async def send_many(self, topic: str, records: Sequence[tuple[bytes | None, bytes | None, Any]]) -> list[Any]:
        assert topic == "billing-deltas"
        self.events += [(key or b"", json.loads(value or b"")) for key, value, _ in records]
        return []

    def ids(self) -> set[str]:
        return {event["id"] for _, event in self.events}

    def counting(self) -> Decimal:
        """Fold as the contract says: ids count once, rows of the editions that stand."""
        distinct = {event["id"]: event for _, event in self.events}.values()
        editions = [msgspec.convert(e["data"], Edition) for e in distinct if e["type"] == "costguard.billing.edition"]
        rows = [msgspec.convert(e["data"], BillingRow) for e in distinct if e["type"] == "costguard.billing.delta"]
        keys = standing(editions)
        counted = [row.billed_cost for row in rows if (row.statement, row.part, row.assembly) in keys]
        return sum((cost for cost in counted if cost is not None), Decimal(0))


def write(path: Path, records: Sequence[Mapping[str, str]], mtime: int = 1_800_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    os.utime(path, (mtime, mtime))
    return path


async def publish_all(publisher: Publisher, *names: Path, options: Options | None = None) -> Summary:
    summary = Summary()
    for delivery in make_plan([str(name) for name in names]).deliveries:
        refused = check(delivery, options or Options())
        summary.refused += refused
        if not refused:
            await publish(delivery, options or Options(), summary, publisher, "billing-deltas")
    return summary


async def test_a_row_is_a_cloudevent_keyed_by_its_statement_and_its_edition_is_closed_after_it(tmp_path: Path) -> None:
    publisher = Publisher()
    await publish_all(publisher, write(tmp_path / "june.csv", [FOCUS]))
    (key, delta), (other, closing) = publisher.events
    assert key == other == b"Acme Cloud/focus/acct/2026-06-01"
    assert (delta["type"], delta["specversion"]) == ("costguard.billing.delta", "1.0")
    assert (delta["time"], delta["source"]) == ("2026-06-01T00:00:00Z", "/costguard/billing-import")
    assert delta["data"]["BilledCost"] == "10.10"
    assert closing["type"] == "costguard.billing.edition"
    assert (closing["data"]["rows"], closing["data"]["part"]) == (1, "june.csv")


async def test_the_same_file_twice_adds_nothing(tmp_path: Path) -> None:
    publisher = Publisher()
    path = write(tmp_path / "june.csv", [FOCUS, FOCUS, FOCUS | {"BilledCost": "1"}])
    await publish_all(publisher, path)
    once = publisher.ids()
    assert len(once) == 4
    await publish_all(publisher, path)
    assert publisher.ids() == once
    assert publisher.counting() == Decimal("21.20")


async def test_a_copy_under_another_name_or_packed_or_in_another_order_adds_nothing(tmp_path: Path) -> None:
    publisher = Publisher()
    records = [FOCUS, FOCUS | {"BilledCost": "1"}]
    for path, some in (("june.csv", records), ("copy.csv", records), ("sorted.csv.gz", records[::-1])):
        await publish_all(publisher, write(tmp_path / path, some))
    assert publisher.counting() == Decimal("11.10")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_newer_edition_replaces_the_older_whichever_is_imported_first(
    order: tuple[int, int], tmp_path: Path
) -> None:
    publisher = Publisher()
    corrected = FOCUS | {"BilledCost": "7", "BillingCurrency": "USD"}
    editions = [
        write(tmp_path / "old/june.csv", [FOCUS, FOCUS], mtime=1_000),
        write(tmp_path / "new/june.csv", [corrected], mtime=2_000),
    ]
    for i in order:
        await publish_all(publisher, editions[i])
    assert publisher.counting() == 7


def assembly(tmp_path: Path, name: str, amounts: Sequence[str], mtime: int) -> Path:
    parts = [amounts[::2], amounts[1::2]]
    for number, part in enumerate(parts):
        write(tmp_path / name / f"cur-{number}.csv.gz", [AWS | {"lineItem/UnblendedCost": cost} for cost in part])
    keys = [f"p/{name}/cur-{number}.csv.gz" for number in range(2)]
    manifest = tmp_path / name / "cur-Manifest.json"
    manifest.write_text(json.dumps({"assemblyId": name, "reportKeys": keys}))
    os.utime(manifest, (mtime, mtime))
    return manifest


@pytest.mark.parametrize("order", [("a1", "a2"), ("a2", "a1"), ("a1", "a2", "a1", "a2")])
async def test_a_new_assembly_of_a_billing_period_replaces_the_old(order: Sequence[str], tmp_path: Path) -> None:
    publisher = Publisher()
    manifests = {
        "a1": assembly(tmp_path, "a1", ["1", "1", "1", "1"], mtime=1_000),
        "a2": assembly(tmp_path, "a2", ["1", "2", "3"], mtime=2_000),
    }
    for name in order:
        await publish_all(publisher, manifests[name])
    assert publisher.counting() == 6
    summary = await publish_all(Publisher(), tmp_path)
    (total,) = summary.by().values()
    assert (total.rows, total.billed) == (3, Decimal(6))
    assert [edition.assembly for edition in summary.replaced] == ["a1"]


async def test_equal_lines_in_two_files_of_one_assembly_both_count(tmp_path: Path) -> None:
    publisher = Publisher()
    await publish_all(publisher, assembly(tmp_path, "a1", ["1", "1"], mtime=1))
    assert publisher.counting() == 2


async def test_an_import_that_broke_off_does_not_count_until_it_is_repeated(tmp_path: Path) -> None:
    publisher = Publisher()
    await publish_all(publisher, write(tmp_path / "june.csv", [FOCUS, FOCUS]))
    everything, publisher.events = publisher.events, publisher.events[:1]
    assert publisher.counting() == 0
    publisher.events += everything
    assert publisher.counting() == Decimal("20.20")


async def test_an_unknown_or_half_known_file_is_refused_whole(tmp_path: Path) -> None:
    publisher = Publisher()
    half = {name: cell for name, cell in FOCUS.items() if name != "EffectiveCost"}
    summary = await publish_all(
        publisher, write(tmp_path / "half.csv", [half]), write(tmp_path / "odd.csv", [{"a": "1"}])
    )
    assert publisher.events == []
    reasons = [each.reason for each in summary.refused]
    assert "for focus these are missing: EffectiveCost" in reasons[0]
    assert "The header is: a" in reasons[1]


async def test_one_unknown_file_of_an_assembly_refuses_all_of_it(tmp_path: Path) -> None:
    manifest = assembly(tmp_path, "a1", ["1", "2"], mtime=1)
    write(tmp_path / "a1/cur-1.csv.gz", [{"a": "1"}])
    publisher = Publisher()
    summary = await publish_all(publisher, manifest)
    assert publisher.events == []
    assert len(summary.refused) == 1


async def test_a_file_that_is_damaged_in_the_middle_is_refused_and_never_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "june.csv.gz", [FOCUS | {"ResourceId": os.urandom(30_000).hex()} for _ in range(200)])
    path.write_bytes(path.read_bytes()[:-20])
    publisher = Publisher()
    summary = await publish_all(publisher, path)
    assert len(summary.refused) == 1
    assert publisher.counting() == 0


def test_rejected_rows_are_counted_and_listed_with_their_lines_and_the_others_are_read(tmp_path: Path) -> None:
    records = [FOCUS, FOCUS | {"BilledCost": "x"}, FOCUS, FOCUS | {"ChargePeriodStart": "x"}]
    path = write(tmp_path / "june.csv", records)
    path.write_text(path.read_text() + "cut,off")
    summary = Summary()
    (delivery,) = make_plan([str(path)]).deliveries
    read_only(delivery, Options(), summary)
    assert summary.rejected_rows == 3
    assert sorted(row.line for _, row in summary.rejected) == [3, 5, 6]
    assert [edition.rejected for edition in summary.editions] == [3]
    assert [total.rows for total in summary.by().values()] == [2]


def test_only_the_first_thousand_rejected_rows_are_listed_and_all_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(billing_import, "MAX_LISTED", 2)
    path = write(tmp_path / "june.csv", [FOCUS | {"BilledCost": "x"}] * 5)
    summary = Summary()
    read_only(make_plan([str(path)]).deliveries[0], Options(), summary)
    assert (summary.rejected_rows, len(summary.rejected)) == (5, 2)


def test_tags_that_the_table_names_say_whose_cost_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "june.csv", [FOCUS | {"Tags": '{"Crew": "search", "team": "other"}'}])
    options = Options(table=TagTable({"team": ["crew"]}))
    (piece,) = read(make_plan([str(path)]).deliveries[0], options, Summary())
    assert [row.scope.team for row in piece.rows] == ["search"]


def test_a_format_can_be_insisted_on(tmp_path: Path) -> None:
    (delivery,) = make_plan([str(write(tmp_path / "june.csv", [FOCUS]))]).deliveries
    assert check(delivery, Options(format="focus")) == []
    assert [each.reason for each in check(delivery, Options(format="gcp"))] == ["it is focus by its header, not gcp"]


@pytest.mark.parametrize("record", [FOCUS, AWS, AZURE, GCP], ids=["focus", "aws", "azure", "gcp"])
def test_a_file_without_rows_comes_to_nothing(record: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(",".join(record) + "\n")
    summary = Summary()
    read_only(make_plan([str(path)]).deliveries[0], Options(), summary)
    assert (summary.by(), summary.editions, summary.rejected_rows) == ({}, [], 0)


def test_actual_and_amortised_cost_of_one_month_are_two_statements(tmp_path: Path) -> None:
    covered = AZURE | {"PricingModel": "Reservation", "ReservationId": "r"}
    found = []
    for name, records in (("actual", [AZURE, covered | {"ChargeType": "Purchase"}]), ("amortised", [AZURE, covered])):
        summary = Summary()
        read_only(make_plan([str(write(tmp_path / f"{name}.csv", records))]).deliveries[0], Options(), summary)
        found += [edition.statement for edition in summary.editions]
    assert [re.sub(r"^Microsoft/(\w+)/acct/2026-06-01$", r"\1", each) for each in found] == ["actual", "amortised"]


@pytest.mark.parametrize("record", [FOCUS, AWS])
async def test_an_account_that_names_no_statement_refuses_the_file(record: dict[str, str], tmp_path: Path) -> None:
    name = "BillingAccountId" if "BillingAccountId" in record else "bill/PayerAccountId"
    publisher = Publisher()
    bill = write(tmp_path / "bill.csv", [{**record, name: "9" * 100_000}])
    (refused,) = (await publish_all(publisher, bill)).refused
    assert "over 512 characters" in refused.reason
    assert not publisher.events
