"""Answers about shared, unattributed and reconciled cost as tables for a terminal."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from app.query_tables import LEFT, NO_PRICE, RIGHT, add_row, counted, covered, money, new_table, precise, price, scope
from domain.money import add_up

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

UNATTRIBUTED = "unattributed"
NO_PROVIDER = "(no provider)"
_COMPLETE: Final = "complete"
_PARTIAL: Final = "partial"
_ABSENT: Final = "none"
_LEGEND: Final = {
    _PARTIAL: "bills that were imported are not complete for the day; its drift is not final",
    _ABSENT: "bills have no such line yet, and are not complete for the day: its drift says nothing",
}


def allocations_table(answer: Mapping[str, Any]) -> Table:
    """Show `GET /allocations`: from where, to whom, by what."""
    columns = [("day", LEFT), ("from", LEFT), ("what", LEFT), ("borne by", LEFT), (answer["currency"], RIGHT)]
    table = new_table(covered(answer["window"]), [*columns, ("share", RIGHT), ("rule", LEFT), ("by", LEFT)])
    for each in answer["allocations"]:
        (element,) = each["AllocatedMethodDetails"]["Elements"]
        add_row(
            table,
            each["ChargePeriodStart"][:10],
            _named(each["from"]),
            each["resource_type"],
            each["AllocatedResourceId"],
            money(Decimal(each["amount"])),
            f"{Decimal(element['AllocatedRatio']):.1%}",
            each["AllocatedMethodId"],
            f"{Decimal(element['UsageQuantity']):,f} {element['UsageUnit']}",
        )
    return table


def remediation_table(answer: Mapping[str, Any]) -> Table:
    """Show `GET /remediation`: most money first."""
    columns = [(answer["currency"], RIGHT), ("reason", LEFT), ("provider", LEFT), ("what", LEFT), ("category", LEFT)]
    # What was metered names neither.
    more = [("account", LEFT), ("dearest resource", LEFT)] if any(map(_with_resources, answer["findings"])) else []
    title = f"Without a {answer['dimension']}, {covered(answer['window'])}"
    table = new_table(title, [*columns, *more, ("probably", LEFT)])
    for each in answer["findings"]:
        guess = each["guess"]
        probably = "" if guess is None else f"{guess['owner']} ({Decimal(guess['share']):.0%} by {guess['by']})"
        amount, provider = money(Decimal(each["amount"])), each["provider"] or NO_PROVIDER
        told = each["reason"], provider, each["service"], each["charge_category"]
        dearest = [_first(each["accounts"], "account"), _first(each["resources"], "resource")] if more else []
        add_row(table, amount, *told, *dearest, probably)
    return table


def _with_resources(finding: Mapping[str, Any]) -> bool:
    return bool(finding["resources"])


def _first(parts: Sequence[Mapping[str, str]], name: str) -> str:
    return parts[0][name] if parts else ""


def remediation_total(answer: Mapping[str, Any]) -> Text:
    """Tell how much of all cost has no owner."""
    share = Decimal(answer["unattributed_share"])
    unattributed, total = precise(answer["unattributed"]), precise(answer["total"])
    return Text(f"unattributed {unattributed} of total {total} {answer['currency']} ({share:.1%})", "bold")


def reconciliation_table(answer: Mapping[str, Any]) -> Table:
    """Show `GET /reconciliation`, and whether there is a bill; days on which none is complete are dim."""
    columns = [
        ("day", LEFT),
        ("provider", LEFT),
        ("subject", LEFT),
        ("bill", LEFT),
        ("of the bill", LEFT),
        ("metered", RIGHT),
        ("billed", RIGHT),
    ]
    more = [("drift", RIGHT), ("%", RIGHT), ("unexplained", RIGHT), ("price", RIGHT), ("proposed", RIGHT)]
    table = new_table(covered(answer["window"]), [*columns, *more])
    for each in answer["lines"]:
        known = each["drift_percent"] is not None and _state(each) != _ABSENT
        percent = f"{Decimal(each['drift_percent']):+,.1f}" if known else ""
        add_row(
            table,
            Text(each["day"][:10], "" if each["complete"] else "dim"),
            each["provider"] or NO_PROVIDER,
            each["subject"],
            _state(each),
            _some(each["services"]),
            NO_PRICE if each["metered"] is None else money(Decimal(each["metered"])),
            *(money(Decimal(each[name])) for name in ("billed", "drift")),
            percent,
            money(Decimal(each["unexplained"])),
            NO_PRICE if each["metered"] is None else _price(each["metered_price"]),
            _price(each["proposed_price"]),
        )
    return table


def reconciliation_total(answer: Mapping[str, Any]) -> Text:
    """Tell the totals of both sides where there is a bill, and what the metered one lacks."""
    told = [each for each in answer["lines"] if _state(each) != _ABSENT]
    metered, billed, drift = (
        precise(str(add_up(Decimal(each[name] or 0) for each in told))) for name in ("metered", "billed", "drift")
    )
    line = Text(f"metered {metered}, billed {billed}, drift {drift} {answer['currency']}", "bold")
    alone = add_up(Decimal(each["metered"] or 0) for each in answer["lines"] if _state(each) == _ABSENT)
    if alone:
        line.append(f"; {precise(str(alone))} more was metered without a bill", "yellow")
    if unpriced := sum(each["unpriced"] for each in answer["lines"]):
        line.append(f"; {counted(unpriced, 'event')} without a price", "yellow")
    states = {_state(each) for each in answer["lines"]}
    for state, meaning in _LEGEND.items():
        if state in states:
            line.append(f"\n{state}: {meaning}", "yellow")
    return line


def _state(line: Mapping[str, Any]) -> str:
    """Tell how far the bill goes that a line is held against: a drift from no bill is no drift."""
    if line["complete"]:
        return _COMPLETE
    return _PARTIAL if line["skus"] else _ABSENT


def _price(figure: str | None) -> str:
    return "" if figure is None else price(figure)


def _some(names: Sequence[str]) -> str:
    more = len(names) - 1
    return "" if not names else names[0] + (f" and {more} more" if more else "")


def _named(terms: Mapping[str, str]) -> str:
    return scope({name: value for name, value in terms.items() if value != UNATTRIBUTED})
