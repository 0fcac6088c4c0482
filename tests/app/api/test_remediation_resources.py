"""`GET /remediation` down to resources: from rows of bills over the agent and its view to the answer."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.configuration import parse_configuration
from domain.billing.charges import book, charges
from domain.billing.records import closing_record, resources_record, row_record
from domain.billing.resource_tally import ResourceTally
from domain.fx import Rates
from domain.ownership import Ownership
from tests.agents.test_billing import House
from tests.app.api.view_of_events import ViewOfEvents, client
from tests.domain.billing.test_books import NOVEMBER, edition
from tests.domain.billing.test_resource_tally import charge
from tests.domain.cost_events import Priced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.billing.row import BillingRow

NOW = NOVEMBER.timestamp() + 10 * 86_400
SECRET = "0123456789abcdef"  # noqa: S105 - of a token that is good for these tests
ACME_ONLY = f'[tokens.acme]\nsecret = "{SECRET}"\ntenants = ["acme"]\n'
WHOLE = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-08T00:00:00Z"}


def delivered(rows: Sequence[BillingRow], written: int = 1, **bounds: int) -> list[bytes | None]:
    """Return the records of an edition, as an import sends them."""
    tally = ResourceTally(Ownership().team_of, **bounds)
    tally.add(rows)
    end = edition(rows[0].assembly, len(rows), written)
    told = [resources_record(each, end)[1] for each in tally.told()]
    return [*[row_record(one, number)[1] for number, one in enumerate(rows)], *told, closing_record(end)[1]]


async def remediation(house: House, rows: Sequence[BillingRow], config: str = "", **parameters: str) -> Any:
    """Return the answer where these rows count."""
    documents: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    for (kind, name), document in house.view.documents.items():
        if document is not None:
            documents[kind][name] = document
    booked = [book(one, Rates(), "USD", Ownership().team_of) for one in rows]
    events = [
        Priced(key.hour, key[1:6], key.resource_type, "", Decimal(0), amount, key.source)
        for each in booked
        for key, amount in charges(each)
    ]
    headers = {"authorization": f"Bearer {SECRET}"} if config else None
    view = ViewOfEvents(events, documents)
    async with client(view, now=NOW, configuration=parse_configuration(config, Path())) as api:
        answer = await api.get("/remediation", params=WHOLE | {"source": "billed"} | parameters, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


LOST = [
    charge("5", "i-1", tags={"stack": "feed"}),
    charge("3", "i-1", day=2, tags={"stack": "feed"}),
    charge("2", "i-2", tags={"stack": "feed"}, team="core"),
    charge("4", "i-3", sub_account_id="8"),
    charge("9", "i-4", sub_account_id="8", team="ads"),
    charge("0.50", ""),
]


async def test_the_dearest_resources_are_named_each_with_a_guess_of_the_same_bill() -> None:
    house = House()
    await house.handle(*delivered(LOST))
    (found,) = (await remediation(house, LOST))["findings"]
    tag = {"owner": "core", "by": "tag", "share": "1.0000"}
    account = {"owner": "ads", "by": "account", "share": "1.0000"}
    assert found["resources"] == [
        {"resource": "i-1", "amount": "8.00", "account": "7", "guess": tag},
        {"resource": "i-3", "amount": "4.00", "account": "8", "guess": account},
    ]
    assert (found["amount"], found["other_resources"], found["guess"]) == ("12.50", "0.50", tag)
    assert (
        "Dearest resources: i-1 (8.00 USD, probably core), i-3 (4.00 USD, probably ads). Other resources: 0.50 USD."
        in found["ticket"]["description"]
    )


async def test_only_the_days_asked_about_count() -> None:
    house = House()
    await house.handle(*delivered(LOST))
    (found,) = (await remediation(house, LOST, start="2026-11-03T00:00:00Z"))["findings"]
    assert [(each["resource"], each["amount"]) for each in found["resources"]] == [("i-1", "3.00")]
    assert found["other_resources"] == "0.00"


async def test_an_owner_on_another_day_is_the_guess() -> None:
    rows = [charge("5"), charge("1", day=1, team="search")]
    house = House()
    await house.handle(*delivered(rows))
    (found,) = (await remediation(house, rows))["findings"]
    search = {"owner": "search", "by": "resource", "share": "1.0000"}
    assert found["guess"] == found["resources"][0]["guess"] == search
    (found,) = (await remediation(house, rows, end="2026-11-02T00:00:00Z"))["findings"]
    assert found["guess"] == found["resources"][0]["guess"] == search, (
        "the bill knew, though the day is not asked about"
    )


async def test_the_same_bill_twice_adds_nothing_and_a_newer_edition_replaces_it() -> None:
    house = House()
    await house.handle(*delivered(LOST))
    once = await remediation(house, LOST)
    await house.handle(*delivered(LOST), first=100)
    assert await remediation(house, LOST) == once
    newer = [msgspec.structs.replace(each, assembly="e2") for each in (charge("7", "i-9"), charge("1", "i-1"))]
    await house.handle(*delivered(newer, written=2), first=200)
    (found,) = (await remediation(house, newer))["findings"]
    assert [(each["resource"], each["amount"]) for each in found["resources"]] == [("i-9", "7.00"), ("i-1", "1.00")]
    kinds = {name for (kind, name), text in house.view.documents.items() if kind.startswith("bill-resources") and text}
    assert kinds == {"0:0:1"}, "resources of the edition that was replaced are taken back"
    shown = {name: text for name, text in house.view.documents.items() if text is not None}
    house.view.documents.clear()
    await house.billing.show_all()
    assert house.view.documents == shown, "a Redis that came back empty is told all of it again"


async def test_an_edition_that_is_not_closed_names_nothing() -> None:
    house = House()
    await house.handle(*delivered(LOST)[:-1])
    assert not [kind for kind, _ in house.view.documents if kind.startswith("bill-resources")]


async def test_what_a_bill_says_of_owners_is_not_for_who_may_see_some_tenants_only() -> None:
    rows = [charge("5", "i-1", tags={"stack": "feed"}, tenant="acme"),
            charge("9", "i-2", tags={"stack": "feed"}, tenant="globex", team="globex-secret")]  # fmt: skip
    house = House()
    await house.handle(*delivered(rows))
    (found,) = (await remediation(house, rows, ACME_ONLY))["findings"]
    assert [(each["resource"], each["guess"]) for each in found["resources"]] == [("i-1", None)]
    assert "globex" not in str(found)


async def test_resources_of_two_days_are_forgotten_with_their_bill() -> None:
    house = House()
    await house.handle(*delivered(LOST))
    house.billing._clock = lambda: NOW + 900 * 86_400
    await house.billing.expire()
    assert not [key for key in house.bills.rows[0] if key[:1] == b"r"]
    assert not [name for name, text in house.view.documents.items() if name[0].startswith("bill-r") and text]


_CHARGES = st.lists(
    st.builds(
        charge,
        st.decimals("-5", "5", places=3).map(str),
        st.sampled_from(["", "i-1", "i-2", "i-3", "i-4", "i-5", "i-6", "i-7"]),
        day=st.integers(0, 2),
        team=st.sampled_from(["unattributed", "core"]),
        service_name=st.sampled_from(["EC2", "S3"]),
        sub_account_id=st.sampled_from(["7", "8"]),
        charge_category=st.sampled_from(["Usage", "Credit", "Tax"]),
    ),
    min_size=1,
    max_size=30,
)


@given(_CHARGES, st.integers(1, 7), st.sampled_from([8, 120_000]))
@pytest.mark.parametrize("dimension", ["team", "tenant"])
async def test_resources_and_the_rest_are_what_has_no_owner_to_the_last_unit(
    dimension: str, rows: list[BillingRow], most: int, cells: int
) -> None:
    house = House()
    await house.handle(*delivered(rows, max_resources=most, max_cells=cells))
    answer = await remediation(house, rows, dimension=dimension)
    lost = [one for one in rows if getattr(one, dimension) == "unattributed"]
    assert Decimal(answer["unattributed"]) == sum((one.billed_cost or Decimal(0) for one in lost), Decimal(0))
    assert sum((Decimal(each["amount"]) for each in answer["findings"]), Decimal(0)) == Decimal(answer["unattributed"])
    for found in answer["findings"]:
        mine = [
            one
            for one in lost
            if one.charge_category.lower() == found["charge_category"]
            and found["service"].endswith((one.service_name or "").lower())
        ]
        assert Decimal(found["amount"]) == sum(one.billed_cost or Decimal(0) for one in mine)
        named = {each["resource"]: Decimal(each["amount"]) for each in found["resources"]}
        assert sum(named.values(), Decimal(found["other_resources"])) == Decimal(found["amount"])
        assert "" not in named
        if cells > 1_000:
            for name, amount in named.items():
                assert amount == sum(one.billed_cost or Decimal(0) for one in mine if one.resource_id == name)
