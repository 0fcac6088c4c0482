"""What a bill says of its dearest resources without an owner, and who may own them.

No table has a row for every resource: a bill may have millions. So who reads a bill (`domain.billing.resource_tally`)
tells with each edition what its dearest ones come to, by day. That is told apart from the rows of the bill, and counts
nothing: what no resource is named for is the rest of what the edition says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import msgspec

from domain.billing.charges import book
from domain.billing.row import BillingRow
from domain.windows import DAY, floor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from domain.billing.details import Amounts
    from domain.fx import Rates

RESOURCES_TOLD: Final = "costguard.billing.resources"
# Of an edition, and in bytes as they are sent of a day of it.
MAX_RESOURCES: Final = 1_000
MAX_DAY_BYTES: Final = 400_000
_Instant = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]


class ToldGuess(NamedTuple):
    """Who may own what has no owner in a dimension, what of it is similar, and the owner's share of that."""

    dimension: str
    owner: str
    by: str
    share: Decimal


class ResourceCost(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a resource comes to on a day with the same scope, service and kind of charge; costs are by `BASES`."""

    resource: str
    account: str
    service_name: str
    service_category: str
    provider: str
    category: str
    kind: str
    currency: str
    purchased: datetime | None
    scope: tuple[str, str, str, str, str]
    rows: int
    amounts: tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
    guesses: list[ToldGuess] = []


class ResourcesOfDay(msgspec.Struct, frozen=True):
    """The dearest resources of an edition, and what they come to on a day (epoch seconds)."""

    statement: str
    part: str
    assembly: str
    day: _Instant
    costs: list[ResourceCost]

    @property
    def key(self) -> tuple[str, str, str]:
        """Whose resources they are: statement, part and assembly."""
        return self.statement, self.part, self.assembly


class DearResources(NamedTuple):
    """The same as charges, each with the number of lines that it sums up, and with guesses."""

    edition: tuple[str, str, str]
    day: int
    charges: list[tuple[BillingRow, int, list[ToldGuess]]]


class ResourcesPlace(NamedTuple):
    """Of which edition of which statement, and which day."""

    statement: int
    edition: int
    day: int


class ResourcesRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Lines, as `encode_resources` writes them; `version` is the offset of the record."""

    version: int
    lines: bytes


class ResourceLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a resource comes to on a day, in the reporting currency; it is part of a detail of the same edition."""

    tenant: str
    environment: str
    feature: str
    service: str
    team: str
    resource_type: str
    provider: str
    category: str
    account: str
    resource: str
    rows: int
    amounts: tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]
    guesses: list[ToldGuess] = []


_encode = msgspec.json.Encoder().encode
decode_resources = msgspec.json.Decoder(list[ResourceLine]).decode


def charge_of(cost: ResourceCost, day: int) -> BillingRow:
    """Return a cost as the charge that it is a part of."""
    start = datetime.fromtimestamp(floor(day, DAY), UTC)
    billed, effective, contracted, listed = cost.amounts
    return BillingRow(
        billed_cost=billed,
        effective_cost=effective,
        contracted_cost=contracted,
        list_cost=listed,
        billing_currency=cost.currency,
        charge_category=cost.category,
        charge_kind=cost.kind,
        charge_period_start=start,
        charge_period_end=start,
        billing_period_start=start,
        billing_period_end=start,
        purchased=cost.purchased,
        service_name=cost.service_name or None,
        service_category=cost.service_category or None,
        provider_name=cost.provider or None,
        sub_account_id=cost.account or None,
        resource_id=cost.resource,
        **_scoped(cost.scope),
    )


def _scoped(scope: tuple[str, str, str, str, str]) -> dict[str, Any]:
    tenant, environment, feature, service, team = scope
    return {"tenant": tenant, "environment": environment, "feature": feature, "service": service, "team": team}


def encode_resources(
    charges: Iterable[tuple[BillingRow, int, list[ToldGuess]]],
    rates: Rates,
    currency: str,
    team_of: Callable[[str], str | None],
) -> bytes:
    """Write charges as lines, booked as the rows of the bill are. Raises `MissingRateError`."""
    return _encode([_line(*each, rates, currency, team_of) for each in charges])


def _line(
    row: BillingRow,
    rows: int,
    guesses: list[ToldGuess],
    rates: Rates,
    currency: str,
    team_of: Callable[[str], str | None],
) -> ResourceLine:
    booked = book(row, rates, currency, team_of)
    amounts: Amounts = booked.amounts
    return ResourceLine(
        *booked.key[1:7],
        booked.provider,
        booked.category,
        row.sub_account_id or "",
        row.resource_id or "",
        rows,
        amounts,
        guesses,
    )
