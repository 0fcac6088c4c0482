"""Cost without an owner, as `GET /remediation` writes it, and that of bills in files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from domain.money import ratio, to_text
from domain.tickets import ticket
from domain.windows import bounds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from domain.queries import Span
    from domain.remediation import Finding, Guess, Remediation, Resource

_PLACES: Final = 4


def as_json(remediation: Remediation, dimension: str, currency: str, span: Span, now: float) -> dict[str, Any]:
    """Return the answer; tickets are of the week of `now`."""
    week = f"{datetime.fromtimestamp(now, UTC):%G-W%V}"
    return {
        "currency": currency,
        "window": bounds(*span),
        "dimension": dimension,
        "total": to_text(remediation.total),
        "unattributed": to_text(remediation.unattributed),
        "unattributed_share": str(round(ratio(remediation.unattributed, remediation.total), _PLACES)),
        "findings": [_finding(each, dimension, currency, week) for each in remediation.findings()],
    }


def _finding(finding: Finding, dimension: str, currency: str, week: str) -> dict[str, Any]:
    return {
        "id": finding.id,
        "reason": finding.reason,
        "provider": finding.provider,
        "service": finding.service,
        "charge_category": finding.category,
        "amount": to_text(finding.amount),
        "lines": finding.lines,
        "accounts": _dearest("account", finding.accounts or _own(finding)),
        "resources": [_resource(each) for each in finding.resources],
        "other_resources": to_text(finding.other_resources),
        "guess": _guess(finding.guess),
        "ticket": ticket(finding, dimension, currency, week),
    }


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "resource": resource.name,
        "amount": to_text(resource.amount),
        "account": resource.account,
        "guess": _guess(resource.guess),
    }


def _guess(guess: Guess | None) -> dict[str, str] | None:
    return None if guess is None else guess._asdict() | {"share": str(round(guess.share, _PLACES))}


def _own(finding: Finding) -> Iterable[tuple[str, Decimal]]:
    """Return the account of a finding that is of one account."""
    return [(finding.account, finding.amount)] if finding.account else ()


def _dearest(name: str, parts: Iterable[tuple[str, Decimal]]) -> list[dict[str, str]]:
    return [{name: part, "amount": to_text(amount)} for part, amount in parts]
