"""What an import says to a person, or with `--json` to a program: files, money by service and category, what was wrong.

Amounts are exact in JSON, and rounded to cents on screen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app import terminal
from app.query_tables import LEFT, RIGHT, add_row, counted, in_cents, new_table
from domain.billing.totals import BASES, BY
from domain.fx import MissingRateError, Month
from domain.money import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from app.billing_import import Summary
    from app.billing_plan import Plan
    from domain.billing.row import RejectedRow
    from domain.fx import Rates

SHOWN: Final = 25
_THEN: Final = (
    " that the workers start with, restart them, and import again: a bill with such rows does not count until then"
)


def missing_rates(summary: Summary, rates: Rates, currency: str) -> list[str]:
    """Return, one sentence each, the exchange rates that bills need and that are not known: these do not count yet."""
    months = {(source, Month(int(day[:4]), int(day[5:7]))) for source, day in summary.by("day")}
    missing = []
    for source, month in sorted(months):
        try:
            rates.rate(source, currency, month)
        except MissingRateError as error:
            missing.append(str(error))
    return missing


def as_json(summary: Summary, plan: Plan, missing: Sequence[str] = ()) -> dict[str, Any]:
    """Return everything: totals by each dimension alone and by all together, per currency."""
    return {
        "files": [{"file": str(file), "format": name} for file, name in summary.files],
        "rejected": {
            "rows": summary.rejected_rows,
            "listed": [{"file": str(file), "line": row.line, "reason": row.reason} for file, row in summary.rejected],
        },
        "noted": {
            "rows": summary.noted_rows,
            "listed": [{"file": str(file), "line": row.line, "reason": row.reason} for file, row in summary.noted],
        },
        "refused": [{"file": str(each.file), "reason": each.reason} for each in summary.refused],
        "left_out": [{"file": str(file), "reason": reason} for file, reason in plan.left_out],
        "missing_rates": list(missing),
        "assumed_currency": [str(file) for file in summary.assumed_currency],
        "replaced": [{"statement": e.statement, "part": e.part, "assembly": e.assembly} for e in summary.replaced],
        "total": _groups(summary, ()),
        **{f"by_{name}": _groups(summary, (name,)) for name in BY},
        "cells": _groups(summary, BY),
    }


def _groups(summary: Summary, names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {
            "currency": currency,
            **dict(zip(names, values, strict=True)),
            "rows": total.rows,
            **{name: to_text(getattr(total, name)) for name in BASES},
            **{name: count for name, count in total._asdict().items() if name.startswith("no_") and count},
        }
        for (currency, *values), total in summary.by(*names).items()
    ]


def show(summary: Summary, plan: Plan, console: Console, missing: Sequence[str] = ()) -> None:
    """Print the summary."""
    for file, name in summary.files:
        console.print(f"{file.name}: {name}", soft_wrap=True)
    terminal.show(console, _table(summary, "category", "kind"))
    terminal.show(console, _table(summary, "service"))
    terminal.show(console, _table(summary))
    for file in summary.assumed_currency:
        console.print(f"{file.name} names no currency: read as {summary.currency}", soft_wrap=True)
    for edition in summary.replaced:
        console.print(f"replaced by a newer edition, not counted: {edition.statement} {edition.part}", soft_wrap=True)
    for file, reason in plan.left_out:
        console.print(f"left out: {file}: {reason}", soft_wrap=True)
    _listed(console, summary.rejected_rows, "rejected", summary.rejected)
    _listed(console, summary.noted_rows, "counted without a cell that is missing or cannot be read", summary.noted)
    for rate in missing:
        console.print(f"{rate}{_THEN}", soft_wrap=True)
    for refused in summary.refused:
        console.print(f"refused, nothing of it counts: {refused.file}: {refused.reason}", soft_wrap=True)
    if summary.refused:
        files = sum(len(delivery.files) for delivery in plan.deliveries)
        good = len({file for file, _ in summary.files} - {refused.file for refused in summary.refused})
        refused_files = counted(files - good, "file")
        console.print(f"{refused_files} of {files} refused; {counted(good, 'file')} read", soft_wrap=True)


def _listed(console: Console, count: int, what: str, rows: Sequence[tuple[Path, RejectedRow]]) -> None:
    if count:
        console.print(f"{counted(count, 'row')} {what}:", soft_wrap=True)
    for file, row in rows[:SHOWN]:
        console.print(f"  {file.name}, line {row.line}: {row.reason}", soft_wrap=True)
    if count > SHOWN:
        console.print(f"  ... and {count - SHOWN:,} more; --json lists up to 1,000", soft_wrap=True)


def _table(summary: Summary, *names: str) -> Table:
    texts = [(name, LEFT) for name in (*(names or ("total",)), "currency")]
    title = f"\nBy {' and '.join(names)}" if names else "\nTotal"
    table = new_table(title, [*texts, *((name, RIGHT) for name in ("rows", "billed", "effective", "list"))])
    groups = sorted(summary.by(*names).items(), key=lambda group: -abs(group[1].billed))
    for (currency, *values), total in groups[:SHOWN]:
        amounts = (
            _rounded(total.billed, 0, total.rows),
            _rounded(total.effective, total.no_effective, total.rows),
            _rounded(total.listed, total.no_listed, total.rows),
        )
        add_row(table, *([value or "(none)" for value in values] or ["all"]), currency, f"{total.rows:,}", *amounts)
    if len(groups) > SHOWN:
        add_row(table, f"... {len(groups) - SHOWN} more")
    return table


def _rounded(amount: Decimal, untold: int, rows: int) -> str:
    """Write a sum; one that some rows do not tell is marked, one that none tells is not shown."""
    if untold == rows:
        return "not told"
    return in_cents(amount) + ("+" if untold else "")
