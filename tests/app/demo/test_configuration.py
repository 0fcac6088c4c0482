"""The shipped configuration is valid, and grows with the company."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING

from app.demo.configuration import SECRET, price_book, write_configuration, write_prices
from app.sample import RUNAWAY
from app.sample.company import WORKLOADS
from app.settings import load_configuration
from domain.usage import LLM_TOKENS, Attributes

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:1/costguard"
OCTOBER = 1790812800


def limits(path: Path) -> dict[str, Decimal]:
    return {budget["scope"]: Decimal(budget["limit"]) for budget in tomllib.loads(path.read_text())["budgets"]}


def test_it_is_a_valid_configuration_with_the_receiver_in_it(tmp_path: Path) -> None:
    path = write_configuration(tmp_path, URL, 1.0)
    load_configuration(path)
    (webhook,) = tomllib.loads(path.read_text())["webhooks"]
    assert (webhook["url"], webhook["secret"], webhook["allow_private"]) == (URL, SECRET, True)


def test_limits_scale_with_the_company(tmp_path: Path) -> None:
    whole = limits(write_configuration(tmp_path, URL, 1.0))
    assert limits(write_configuration(tmp_path, URL, 0.25)) == {scope: limit / 4 for scope, limit in whole.items()}


def test_the_runaway_feature_has_a_budget(tmp_path: Path) -> None:
    assert f"tenant={RUNAWAY.tenant},feature={RUNAWAY.feature}" in limits(write_configuration(tmp_path, URL, 1.0))


def test_everything_but_text_messages_has_a_price(tmp_path: Path) -> None:
    book = price_book(write_configuration(tmp_path, URL, 1.0))
    unpriced = set()
    for workload in WORKLOADS:
        provider = workload.tokens.provider if workload.tokens else workload.provider
        model = workload.tokens.model if workload.tokens else None
        for region in ("eu-west-1", "us-east-1"):
            where = Attributes(provider=provider, model=model, region=None if model else region)
            if book.quote(workload.resource_type, where, OCTOBER) is None:
                unpriced.add((workload.resource_type, provider))
    assert unpriced == {("third_party.api_calls", "textline")}
    assert any(workload.resource_type == LLM_TOKENS for workload in WORKLOADS)


def test_a_system_of_ones_own_gets_the_same_prices_and_budgets_without_the_receiver(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    write_prices(path, 0.5)
    load_configuration(path)
    own = tomllib.loads(path.read_text())
    demo = tomllib.loads(write_configuration(tmp_path, URL, 0.5).read_text())
    assert demo.pop("webhooks")
    assert own == demo
