"""Budgets of a configuration file: it says the same whenever a worker starts, and undoes nothing by that."""

from __future__ import annotations

from typing import Any

import pytest

from domain.budgets import BUDGET_SET, SetBudget, command_event, define, parse_command
from domain.scope import parse_filter
from tests.agents.test_budgets import BODY, SCOPE, House, command


@pytest.fixture
def house() -> House:
    return House()


def started(house: House, **body: Any) -> None:
    """Let a worker start with this budget in its file."""
    value = command(BUDGET_SET, {"scope": SCOPE, **BODY, **body}, source="/costguard/configuration")
    house.handle(house.record("budget-commands", value))


def limit(house: House) -> str:
    found: str = house.status()["limit"]
    return found


def test_what_a_worker_sends_when_it_starts_is_known_as_what_a_file_says() -> None:
    budget = define(parse_filter(SCOPE), BODY, "USD")
    assert not hasattr(budget, "reason")
    event = command_event(SetBudget(budget), agent="configuration", now=0)
    found, again = (parse_command(event, (), "USD") for _ in range(2))
    assert isinstance(found, SetBudget)
    assert found.configured
    assert found == again
    other = parse_command(command(BUDGET_SET, {"scope": SCOPE, **BODY}), (), "USD")
    assert isinstance(other, SetBudget)
    assert not other.configured


def test_a_budget_that_was_changed_since_stays_so(house: House) -> None:
    started(house)
    house.set(limit="80")
    house.spend(75, version=2)
    told = house.told()
    started(house)
    assert limit(house) == "80.00"
    assert house.told() == told == ["v2 crossed 0.7", "v2 crossed 0.85"]


def test_a_budget_that_was_deleted_since_stays_so(house: House) -> None:
    started(house)
    house.delete()
    started(house)
    assert set(house.view.documents.values()) == {None}


def test_a_file_that_says_something_else_counts_once(house: House) -> None:
    started(house)
    house.set(limit="80")
    started(house, limit="90")
    assert limit(house) == "90.00"
    house.set(limit="70")
    started(house, limit="90")
    assert limit(house) == "70.00"
    started(house)
    assert limit(house) == "100.00"


def test_a_file_that_says_what_is_set_already_is_remembered(house: House) -> None:
    house.set()
    started(house)
    house.set(limit="80")
    started(house)
    assert limit(house) == "80.00"
    assert house.status()["budget_version"] == 2


def test_a_replay_of_what_a_file_said_changes_nothing(house: House) -> None:
    started(house)
    house.set(limit="80")
    started(house, limit="90")
    house.set(limit="70")
    house.handle(*house.log)
    assert limit(house) == "70.00"
    assert house.status()["budget_version"] == 4
