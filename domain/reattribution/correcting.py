"""What rules change in the bills that count, as corrections: nothing that was billed is touched.

A correction is two rows of FOCUS with `ChargeClass=Correction`, in the charge period of what they correct: one takes a
day's charges from the scope where they were booked, one gives them to the scope that the rule names. All corrections
that a rule makes to a provider's month are one statement, and each state of it is an edition: a newer one replaces the
older, the same one again changes nothing, and an empty one takes everything back.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.billing.charges import DRIVERS, resource_type
from domain.billing.datasets import REATTRIBUTION
from domain.billing.editions import Edition
from domain.billing.instants import month_of
from domain.billing.row import CORRECTION, REATTRIBUTED, BillingRow
from domain.money import EXACT, ZERO, add_up
from domain.reattribution.rules import rule_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from domain.billing.details import DetailKey
    from domain.reattribution.rules import Rule

TAKEN: Final = "taken"
GIVEN: Final = "given"
_DAY: Final = timedelta(days=1)
_OTHER: Final = "Other"


class Told(NamedTuple):
    """What bills say of a charge: by `domain.sources.BASES`, None where they tell no such cost."""

    key: DetailKey
    quantity: Decimal | None
    amounts: tuple[Decimal | None, ...]


class Correction(NamedTuple):
    """The corrections of one rule in one month of a provider, and the edition that they make."""

    edition: Edition
    rows: tuple[BillingRow, ...]

    @property
    def moved(self) -> Decimal:
        """The billed cost that has another owner by it; credits count against it."""
        given = (row.billed_cost for row in self.rows if (row.charge_description or "").startswith(GIVEN))
        return add_up(cost for cost in given if cost is not None)


def corrections(told: Iterable[Told], rules: Sequence[Rule], currency: str) -> dict[str, list[BillingRow]]:
    """Return the rows by statement."""
    found: defaultdict[str, list[BillingRow]] = defaultdict(list)
    for each in told:
        rule = rule_for(each.key, rules)
        if rule is None:
            continue
        moved = rule.moved(each.key)
        if moved != each.key and any(each.amounts):
            statement = statement_of(each.key, rule)
            taken = each._replace(
                quantity=_negative(each.quantity), amounts=tuple(_negative(amount) for amount in each.amounts)
            )
            given = each._replace(key=moved)
            found[statement] += [_row(statement, rule, *side, currency) for side in ((TAKEN, taken), (GIVEN, given))]
    return found


def statement_of(key: DetailKey, rule: Rule) -> str:
    """Return the name of the statement: `provider/reattribution/rule/month`."""
    month = datetime.fromtimestamp(key.day, UTC).replace(day=1)
    rule_id = rule.id.replace("%", "%25").replace("/", "%2F")
    return f"{key.provider}/{REATTRIBUTION}/{rule_id}/{month:%Y-%m-%d}"


def news(wanted: Mapping[str, Sequence[BillingRow]], standing: Mapping[str, Edition], now: int) -> Iterator[Correction]:
    """Yield what is not yet told: editions that say something else than those that stand, by statement."""
    for statement in sorted(wanted.keys() | standing.keys()):
        rows, before = wanted.get(statement, ()), standing.get(statement)
        content = f"{sum(int(row.row_id, 16) for row in rows) % (1 << 128):032x}"
        if content != (before.content if before else f"{0:032x}"):
            yield _edition(statement, rows, before, content, now)


def _edition(statement: str, rows: Sequence[BillingRow], before: Edition | None, content: str, now: int) -> Correction:
    # What stood before is part of the name: a state that comes back is a new edition, which replaces the one between.
    previous = before.assembly if before else ""
    assembly = hashlib.blake2b(f"{previous}/{content}".encode(), digest_size=16).hexdigest()
    ordered = sorted(rows, key=lambda row: row.row_id)
    edition = Edition(
        statement=statement,
        part="",
        assembly=assembly,
        written=max(now, before.written + 1 if before else 0),
        final=True,
        latest=max((int(row.charge_period_end.timestamp()) for row in rows), default=before.latest if before else 0),
        rows=len(rows),
        rejected=0,
        content=content,
    )
    return Correction(edition, tuple(msgspec.structs.replace(row, assembly=assembly) for row in ordered))


def _row(statement: str, rule: Rule, what: str, side: Told, currency: str) -> BillingRow:
    key = side.key
    start = datetime.fromtimestamp(key.day, UTC)
    period, end = month_of(start)
    service = key.service_name or None
    cause = "\x1f".join(map(str, (statement, rule.version, side.quantity, *side.amounts, *key)))
    billed, effective, contracted, listed = side.amounts
    return BillingRow(
        row_id=hashlib.blake2b(cause.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(),
        statement=statement,
        charge_kind=REATTRIBUTED,
        charge_class=CORRECTION,
        charge_description=f"{what} by rule {rule.id}, version {rule.version}",
        billed_cost=billed,
        effective_cost=effective,
        contracted_cost=contracted,
        list_cost=listed,
        billing_currency=currency,
        charge_category=key.category.capitalize(),
        charge_period_start=start,
        charge_period_end=start + _DAY,
        billing_period_start=period,
        billing_period_end=end,
        service_name=service,
        service_category=_category(key.resource_type, service),
        provider_name=key.provider,
        billing_account_id=key.billing_account or None,
        sub_account_id=key.account or None,
        sku_id=key.sku or None,
        region_id=key.region or None,
        pricing_quantity=side.quantity,
        pricing_unit=key.unit or None,
        tenant=key.tenant,
        environment=key.environment,
        feature=key.feature,
        service=key.service,
        team=key.team,
    )


def _category(wanted: str, service: str | None) -> str | None:
    """Return a service category of which, with this service, a charge has the resource type that it had."""
    _, _, name = wanted.partition(".")
    candidates = (None, *DRIVERS, _OTHER, name)
    return next(each for each in candidates if resource_type(each, service) == wanted)


def _negative(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else EXACT.subtract(ZERO, amount)
