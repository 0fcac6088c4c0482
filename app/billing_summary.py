"""What an import says to a person, or with `--json` to a program: files, money by service and category, what was wrong.

Amounts are exact in JSON, and rounded to cents on screen.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from app.query_tables import counted
from domain.billing.totals import BASES, BY
from domain.fx import MissingRateError, Month
from domain.money import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from app.billing_import import Summary
    from app.billing_plan import Plan
    from domain.billing.row import RejectedRow
    from domain.fx import Rates

SHOWN: Final = 25
# Room for any amount that a bill may have.
_WIDE: Final = Context(prec=120)
_CENT: Final = Decimal("0.01")


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
        console.print(f"{file.name}: {name}", highlight=False, markup=False)
    console.print(_table(summary, "category", "kind"))
    console.print(_table(summary, "service"))
    console.print(_table(summary))
    for file in summary.assumed_currency:
        console.print(f"{file.name} names no currency: read as {summary.currency}", highlight=False, markup=False)
    for edition in summary.replaced:
        console.print(f"replaced by a newer edition, not counted: {edition.statement} {edition.part}", markup=False)
    for file, reason in plan.left_out:
        console.print(f"left out: {file}: {reason}", highlight=False, markup=False)
    _listed(console, summary.rejected_rows, "rejected", summary.rejected)
    _listed(console, summary.noted_rows, "counted without a cell that is missing or cannot be read", summary.noted)
    for rate in missing:
        console.print(f"{rate}, and import again: a bill with such rows does not count", highlight=False, markup=False)
    for refused in summary.refused:
        console.print(f"refused, nothing of it was read: {refused.file}: {refused.reason}", markup=False)


def _listed(console: Console, count: int, what: str, rows: Sequence[tuple[Path, RejectedRow]]) -> None:
    if count:
        console.print(f"{counted(count, 'row')} {what}:", highlight=False)
    for file, row in rows[:SHOWN]:
        console.print(f"  {file.name}, line {row.line}: {row.reason}", highlight=False, markup=False)
    if count > SHOWN:
        console.print(f"  ... and {count - SHOWN:,} more; --json lists up to 1,000", highlight=False)


def _table(summary: Summary, *names: str) -> Table:
    table = Table(*[name.capitalize() for name in names or ("total",)], "Currency")
    for title in ("Rows", "Billed", "Effective", "List"):
        table.add_column(title, justify="right")
    groups = sorted(summary.by(*names).items(), key=lambda group: -abs(group[1].billed))
    for (currency, *values), total in groups[:SHOWN]:
        amounts = (
            _rounded(total.billed, 0, total.rows),
            _rounded(total.effective, total.no_effective, total.rows),
            _rounded(total.listed, total.no_listed, total.rows),
        )
        table.add_row(*([value or "(none)" for value in values] or ["all"]), currency, f"{total.rows:,}", *amounts)
    if len(groups) > SHOWN:
        table.add_row(f"... {len(groups) - SHOWN} more")
    return table


def _rounded(amount: Decimal, untold: int, rows: int) -> str:
    """Write a sum; one that some rows do not tell is marked, one that none tells is not shown."""
    if untold == rows:
        return "not told"
    return f"{amount.quantize(_CENT, context=_WIDE):,}" + ("+" if untold else "")
