"""Documents of cost APIs, opened and read: OpenAI, Anthropic, OpenCost."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.billing.charges import resource_type
from domain.billing.documents import records_of
from tests.domain.billing.bills import row, rows

OPENAI = {
    "object": "page",
    "data": [
        {
            "object": "bucket",
            "start_time": "1759622400",
            "end_time": "1759708800",
            "results": [{"amount.value": "0.06", "amount.currency": "usd", "line_item": "gpt-4o, input"}],
        },
        {"object": "bucket", "start_time": "1759708800", "end_time": "1759795200", "results": []},
    ],
}
ANTHROPIC = {
    "data": [
        {
            "starting_at": "2026-06-01T00:00:00Z",
            "ending_at": "2026-06-02T00:00:00Z",
            "results": [{"amount": "123.78912", "currency": "USD", "model": "claude", "token_type": "output_tokens"}],
        }
    ]
}
ALLOCATION = {
    "name": "ignored",
    "window.start": "2026-06-01T00:00:00Z",
    "window.end": "2026-06-02T00:00:00Z",
    "cpuCost": "1",
    "totalCost": "1.75",
    "properties.labels": {"team": "search"},
    "properties.namespaceLabels": {"team": "platform", "env": "prod"},
}


def opened(document: Any) -> list[dict[str, Any]]:
    return list(records_of(document))


def test_buckets_of_openai_are_charges_in_their_currency() -> None:
    (found,) = rows(*opened(OPENAI))
    assert (found.billed_cost, found.billing_currency, found.provider_name) == (Decimal("0.06"), "USD", "OpenAI")
    assert found.charge_period_start == datetime(2025, 10, 5, tzinfo=UTC)
    assert found.sku_id == "gpt-4o, input"


def test_a_day_without_cost_in_openai_s_csv_costs_nothing() -> None:
    record = {"start_time": "1759968000", "end_time": "1760054400", "amount_value": "", "amount_currency": ""}
    found = row(record)
    assert (found.billed_cost, found.billing_currency) == (Decimal(0), "USD")


def test_anthropic_s_api_counts_in_cents() -> None:
    (found,) = rows(*opened(ANTHROPIC))
    assert found.billed_cost == Decimal("1.2378912")
    assert found.sku_id == "claude/output_tokens"


def test_anthropic_s_console_counts_in_dollars() -> None:
    found = row({"usage_date_utc": "2026-06-01", "model": "claude", "cost_usd": "1.50", "workspace": "Default"})
    assert (found.billed_cost, found.sub_account_id) == (Decimal("1.50"), "Default")


def test_an_allocation_is_what_its_pod_costs_and_labels_of_the_pod_win() -> None:
    found = row(ALLOCATION)
    assert (found.billed_cost, found.service_name) == (Decimal("1.75"), "Kubernetes")
    assert (found.team, found.environment) == ("search", "prod")


@pytest.mark.parametrize("name", ["__idle__", "cluster-one/__idle__", "node-1/__idle__"])
def test_idle_capacity_is_a_service_of_its_own_which_rules_can_select(name: str) -> None:
    found = row(ALLOCATION | {"name": name})
    assert resource_type(found.service_category, found.service_name) == "compute.kubernetes_idle"


def test_exports_as_csv_are_read_by_day_and_by_window() -> None:
    by_day = row({"Date": "2026-09-02", "Namespace": "shop", "Pod": "web-1", "CPUCost": "1", "TotalCost": "1.5"})
    assert (by_day.billed_cost, by_day.sub_account_id, by_day.resource_name) == (Decimal("1.5"), "shop", "web-1")
    assert f"{by_day.charge_period_end:%Y-%m-%d}" == "2026-09-03"
    window = {"name": "web-1", "window.start": "2026-09-02T00:00:00Z", "window.end": "2026-09-03T00:00:00Z"}
    labelled = row({**window, "cpuCost": "1", "totalCost": "2", "properties.labels.team": "search"})
    assert (labelled.billed_cost, labelled.team) == (Decimal(2), "search")


def test_allocations_are_opened_by_name_and_window() -> None:
    document = {"code": 200, "data": [{"a": {"totalCost": "1"}, "b": {"totalCost": "2"}}, {"a": {"totalCost": "3"}}]}
    assert [(each["name"], each["totalCost"]) for each in opened(document)] == [("a", "1"), ("b", "2"), ("a", "3")]


def test_a_window_in_which_nothing_ran_is_no_charge() -> None:
    assert [each["name"] for each in opened({"code": 200, "data": [{}, {"a": {"totalCost": "1"}}, None]})] == ["a"]


def test_pages_in_a_list_follow_each_other() -> None:
    assert len(opened([OPENAI, OPENAI])) == 2
