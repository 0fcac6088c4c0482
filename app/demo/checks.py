"""What must add up for the demo to be a success, each as one line that a person can follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.sample import Trouble
from domain.money import add_up, to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from app.demo.outcome import Outcome, Spend
    from app.demo.recomputed import Recomputed


class Check(NamedTuple):
    """One claim, whether it holds, and the figures behind it."""

    claim: str
    holds: bool
    figures: str


def check(outcome: Outcome, expected: Recomputed) -> tuple[Check, ...]:
    """Compare what the system says with itself and with the recomputation, to the last unit."""
    by_tenant, by_feature = _total(outcome.tenants), _total(outcome.features)
    rejected, malformed = sum(outcome.rejected.values()), expected.troubles[Trouble.MALFORMED]
    dropped = expected.records - outcome.events - rejected
    crossed = sum(len(budget.crossed) for budget in outcome.budgets)
    return (
        _equal("the parts sum to the total, by tenant and by feature", outcome.total, by_tenant, by_feature),
        _equal("the total is that of the events, recomputed one by one", outcome.total, expected.total),
        _parts("so is the cost of every tenant", outcome.tenants, expected.by(0)),
        _parts("and of every feature", outcome.features, expected.by(1)),
        _count("every valid event is counted once", outcome.events, expected.events),
        _count("repeats were dropped", dropped, expected.troubles[Trouble.DUPLICATE]),
        _count("broken events were set aside with a reason", rejected, malformed),
        _count("events without a price are counted, not free", outcome.unpriced, expected.unpriced),
        _count("each threshold crossed was announced once", len(outcome.crossings), crossed),
        Check(
            "every webhook carried a valid signature, none came twice",
            outcome.webhooks > 0 and outcome.refused == 0 and outcome.deliveries == outcome.webhooks,
            f"{outcome.webhooks} of {outcome.deliveries}",
        ),
    )


def _equal(claim: str, *amounts: Decimal) -> Check:
    if len(set(amounts)) == 1:
        return Check(claim, True, f"{to_text(amounts[0])}")
    return Check(claim, False, " is not ".join(to_text(amount) for amount in amounts))


def _count(claim: str, found: int, expected: int) -> Check:
    holds = found == expected
    return Check(claim, holds, f"{found:,}" if holds else f"{found:,}, expected {expected:,}")


def _total(spends: Iterable[Spend]) -> Decimal:
    return add_up(spend.amount for spend in spends)


def _parts(claim: str, spends: Iterable[Spend], expected: Mapping[str, Decimal]) -> Check:
    found = {spend.name: spend.amount for spend in spends if spend.amount}
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    return Check(claim, not wrong, f"wrong: {', '.join(wrong)}" if wrong else f"{len(found)} exact")
