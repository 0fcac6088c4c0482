"""A rule gives a closed month another owner: as corrections, once, until it is changed or taken away."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from operator import eq
from typing import TYPE_CHECKING

from tests.live import bill
from tests.live.waiting import asking, eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.bill import Line
    from tests.live.conftest import Launch

RULE = """
[[reattribution]]
id = "the old accounts"
version = {version}
select = {{ account = "a1", team = "unattributed" }}
to = {{ team = "{team}" }}
"""


def by_team(lines: list[Line], team: str, column: str = "BilledCost") -> dict[tuple[str, ...], Decimal]:
    found: dict[tuple[str, ...], Decimal] = {}
    for line in lines:
        key = (team if line["SubAccountId"] == "a1" else "unattributed",)
        found[key] = found.get(key, Decimal(0)) + Decimal(line[column])
    return found


def without_nothing(costs: dict[tuple[str, ...], Decimal]) -> dict[tuple[str, ...], Decimal]:
    return {key: amount for key, amount in costs.items() if amount}


async def test_a_rule_corrects_a_closed_month_and_its_restatement_and_is_taken_back(
    launch: Launch, tmp_path: Path
) -> None:
    first = [line | {"SubAccountId": f"a{number % 2}"} for number, line in enumerate(bill.lines(40))]
    restated = [line | {"BilledCost": "0.25"} for line in first]
    file = bill.write(tmp_path / "november.csv", first)
    system = launch(config=RULE.format(version=1, team="search"))
    read = asking(lambda: without_nothing(system.costs("team", source="billing")))
    as_booked = {("unattributed",): sum(bill.by_tenant(first).values(), Decimal(0))}
    begun = datetime.now(UTC)
    system.run("import-billing", str(file))
    await eventually(read, partial(eq, by_team(first, "search")))
    for basis, column in (("effective", "EffectiveCost"), ("list", "ListCost")):
        assert without_nothing(system.costs("team", source="billing", basis=basis)) == by_team(first, "search", column)
    # By account and SKU, which corrections keep, nothing has changed; nor is there anything left to correct.
    assert sum(system.costs("account", source="billing").values()) == as_booked[("unattributed",)]
    assert json.loads(system.run("reattribute", "--json")) == []
    assert system.costs("team", source="billing", as_of=begun.isoformat()) == {}

    bill.write(file, restated)
    system.run("import-billing", str(file))
    await eventually(read, partial(eq, by_team(restated, "search")))

    system.config = RULE.format(version=2, team="web")
    (would,) = json.loads(system.run("reattribute", "--json", "--dry-run"))
    assert (would["provider"], would["rule"], would["month"]) == ("aws", "the old accounts", "2026-11")
    assert Decimal(would["moved"]) == by_team(restated, "web")[("web",)]
    system.config = ""
    (gone,) = json.loads(system.run("reattribute", "--json", "--dry-run"))
    assert (gone["rows"], Decimal(gone["moved"])) == (0, Decimal(0))
