"""A ticket for unattributed cost: what a tracker is told, once a week for each finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from domain.cloudevents import event_id as hashed
from domain.money import to_text
from domain.remediation import CANNOT_BE_TAGGED

if TYPE_CHECKING:
    from decimal import Decimal

    from domain.remediation import Finding, Resource

TICKET: Final = "costguard.remediation.ticket"
_PLACES: Final = 2


def ticket(finding: Finding, dimension: str, currency: str, week: str) -> dict[str, Any]:
    """Return the payload; `week` is its ISO week such as `2026-W48`: the same finding has one id a week."""
    place = (
        " / ".join(part for part in (finding.provider, finding.account, finding.service) if part) or "unknown origin"
    )
    return {
        "id": hashed(TICKET, finding.id, week),
        "summary": f"{_money(finding.amount, currency)} of {place} has no {dimension}",
        "description": "\n".join(_sentences(finding, dimension, currency)),
        "labels": ["costguard", "unattributed", finding.reason.replace(" ", "-")],
        "assignee_guess": None if finding.guess is None else finding.guess.owner,
        "amount": to_text(finding.amount),
        "currency": currency,
        "week": week,
    }


def _named(resource: Resource, currency: str) -> str:
    probably = "" if resource.guess is None else f", probably {resource.guess.owner}"
    return f"{resource.name} ({_money(resource.amount, currency)}{probably})"


def _money(amount: Decimal, currency: str) -> str:
    return f"{to_text(round(amount, _PLACES))} {currency}"


def _sentences(finding: Finding, dimension: str, currency: str) -> list[str]:
    told = [f"{finding.lines} charges ({finding.category}) name no {dimension}: {finding.reason}."]
    if finding.resources:
        named = ", ".join(_named(each, currency) for each in finding.resources)
        rest = f" Other resources: {_money(finding.other_resources, currency)}." if finding.other_resources else ""
        told.append(f"Dearest resources: {named}.{rest}")
    if finding.accounts:
        told.append("Dearest accounts: " + ", ".join(name for name, _ in finding.accounts) + ".")
    if finding.guess is not None:
        owner, by, share = finding.guess
        told.append(f"Probably {owner}: {round(share * 100)} % of the money of the same {by} is theirs.")
    if finding.reason == CANNOT_BE_TAGGED:
        told.append("No tag can be put on it: share it out by a rule.")
    else:
        told.append(f"Tag it with a {dimension}, or give it one by a rule.")
    return told
