from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.billing.focus import version_of
from domain.billing.header import Header
from tests.domain.billing.bills import FOCUS, noted, read, reading, reason, row


def test_focus_is_taken_over_as_it_is() -> None:
    found = row(FOCUS)
    assert (found.billed_cost, found.effective_cost) == (Decimal("10.10"), Decimal("9.90"))
    assert (found.list_cost, found.contracted_cost) == (Decimal(12), Decimal(11))
    assert (found.billing_currency, found.service_name, found.provider_name) == ("EUR", "Compute", "Acme Cloud")
    assert found.charge_period_end == datetime(2026, 6, 1, 1, tzinfo=UTC)
    assert (found.scope.team, found.scope.environment) == ("search", "prod")
    assert found.tags == {"Team": "search", "user:env": "prod"}


def test_the_word_null_is_null() -> None:
    found = row(FOCUS | {"ServiceName": "null", "ListCost": "NULL"})
    assert (found.service_name, found.list_cost) == (None, None)


def test_since_1_3_a_provider_is_a_service_provider() -> None:
    record = {name: cell for name, cell in FOCUS.items() if name != "ProviderName"}
    assert row(record | {"ServiceProviderName": "Acme"}).provider_name == "Acme"


@pytest.mark.parametrize("category", ["Fun", ""])
def test_what_is_of_no_category_that_focus_has_is_an_adjustment_and_noted(category: str) -> None:
    record = FOCUS | {"ChargeCategory": category}
    found = row(record)
    assert (found.billed_cost, found.charge_category, found.charge_kind) == (
        Decimal("10.10"),
        "Adjustment",
        "adjustment",
    )
    why = f"ChargeCategory: {category!r} is not one of Usage, Purchase, Tax, Credit, Adjustment"
    assert noted(record) == [(2, why)]


def test_a_row_without_any_cell_is_no_line_of_a_bill() -> None:
    found, rejected = read([FOCUS, dict.fromkeys(FOCUS, ""), dict.fromkeys(FOCUS, "") | {"Tags": "total"}])
    assert (len(found), [each.line for each in rejected]) == (1, [4])


def test_names_of_the_first_draft_are_read() -> None:
    renamed = {"EffectiveCost": "AmortizedCost", "ChargeCategory": "ChargeType", "ProviderName": "Provider"}
    record = {renamed.get(name, name): cell for name, cell in (FOCUS | {"ChargeCategory": "Tax"}).items()}
    found = row(record)
    assert (found.effective_cost, found.charge_category, found.provider_name) == (Decimal("9.90"), "Tax", "Acme Cloud")
    assert version_of(Header(list(record))) == "0.5"


@pytest.mark.parametrize("tag", [{"key": "team", "value": "x"}, {"Key": "team", "Value": "x", "x_Type": "label"}])
def test_a_list_of_tags_is_read_whatever_the_case_of_its_names(tag: dict[str, str]) -> None:
    assert row(FOCUS | {"Tags": [tag]}).team == "x"


def test_a_file_without_currencies_has_the_one_that_the_importer_assumes() -> None:
    assert row({name: cell for name, cell in FOCUS.items() if name != "BillingCurrency"}).billing_currency == "USD"


@pytest.mark.parametrize(
    ("category", "charge_class", "kind"),
    [
        ("Usage", "", "usage"),
        ("Usage", "Correction", "usage"),
        ("Purchase", "", "purchase"),
        ("Purchase", "Correction", "refund"),
        ("Tax", "", "tax"),
        ("Credit", "", "credit"),
        ("Adjustment", "", "adjustment"),
    ],
)
def test_categories_and_corrections_stay_apart(category: str, charge_class: str, kind: str) -> None:
    found = row(FOCUS | {"ChargeCategory": category, "ChargeClass": charge_class})
    assert (found.charge_category, found.charge_class, found.charge_kind) == (category, charge_class or None, kind)


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("BilledCost", "", "BilledCost: empty"),
        ("BilledCost", "free", "BilledCost: 'free' is not a number"),
        ("ChargePeriodStart", "then", "ChargePeriodStart: 'then' is not a date or time"),
        ("EffectiveCost", "x", "EffectiveCost: 'x' is not a number"),
        ("BilledCost", "NaN", "BilledCost: empty"),
        ("BilledCost", "Infinity", "BilledCost: 'Infinity' is not a number that money can be"),
        ("BilledCost", "1e400", "BilledCost: '1e400' is not a number that money can be"),
        ("ChargePeriodStart", "9999-12-31", "ChargePeriodStart: '9999-12-31' is not of the years 2000 to 2099"),
    ],
)
def test_a_bad_cell_rejects_its_row_with_the_reason(column: str, cell: str, why: str) -> None:
    assert reason(FOCUS | {column: cell}) == why


@pytest.mark.parametrize(("column", "field"), [("Tags", "tags"), ("ListCost", "list_cost")])
def test_a_cell_that_no_money_depends_on_is_noted_and_its_row_counts(column: str, field: str) -> None:
    records = [FOCUS, FOCUS | {column: "x"}]
    reader = reading(list(FOCUS))
    columns = [[record[list(FOCUS)[position]] for record in records] for position in reader.positions]
    found, rejected = reader.rows(reader.block(columns, 2), lambda position: position + 2)
    assert (len(found), rejected) == (2, [])
    assert [each.line for each in reader.noted] == [3]
    assert reader.noted[0].reason.startswith(f"{column}: 'x'")
    assert not getattr(found[1], field)
    assert getattr(found[0], field)


@pytest.mark.parametrize("word", ["", "null", "NULL", "None", "nan", "NaN", "<NA>", "N/A", "\\N"])
def test_what_is_not_there_has_many_names(word: str) -> None:
    found = row(FOCUS | {"EffectiveCost": word, "ServiceName": word, "Tags": word})
    assert (found.effective_cost, found.service_name, found.tags) == (None, None, {})
    assert found.billed_cost == Decimal("10.10")


def test_names_of_the_preview_of_the_standard_are_read() -> None:
    record = {name: cell for name, cell in FOCUS.items() if name != "ProviderName"}
    found = row(record | {"Provider": "Oracle", "Publisher": "Oracle", "UsageQuantity": "2", "UsageUnit": "GB"})
    assert (found.provider_name, found.publisher_name) == ("Oracle", "Oracle")
    assert (found.consumed_quantity, found.consumed_unit) == (Decimal(2), "GB")


def test_spelling_of_a_category_does_not_matter_nor_does_that_of_a_currency() -> None:
    found = row(FOCUS | {"ChargeCategory": "usage", "BillingCurrency": "eur"})
    assert (found.charge_category, found.billing_currency) == ("Usage", "EUR")


def test_a_list_where_a_number_or_text_belongs_rejects_its_row_only() -> None:
    found, rejected = read([FOCUS, FOCUS | {"BilledCost": ["1"]}, FOCUS | {"ServiceName": ["x"]}])
    assert [each.service_name for each in found] == ["Compute", "['x']"]
    assert [each.line for each in rejected] == [3]


def test_a_bad_row_takes_no_other_with_it_and_names_its_line() -> None:
    found, rejected = read([FOCUS, FOCUS | {"BilledCost": "x"}, FOCUS])
    assert len(found) == 2
    assert [each.line for each in rejected] == [3]
