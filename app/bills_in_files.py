"""Bills in files, read without sending anything: for commands that compare or search them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app import billing_import
from app.billing_import import Options, Refused, Summary
from app.billing_plan import make_plan
from domain.billing.tags import TagTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.settings import Configuration
    from domain.billing.editions import Edition
    from domain.billing.row import BillingRow


class RefusedError(Exception):
    """A file is no bill, or damaged; one sentence."""


def read_rows(
    files: Sequence[str], configuration: Configuration, take: Callable[[Sequence[BillingRow]], None]
) -> dict[tuple[str, str, str], Edition]:
    """Hand over all rows, some at a time; return the editions that count, by `(statement, part, assembly)`.

    Raises `PlanError` and `RefusedError`.
    """
    options = Options(configuration.currency, TagTable(configuration.tags))
    summary = Summary(configuration.currency)
    for delivery in make_plan(files).deliveries:
        _require_none(billing_import.check(delivery, options))
        billing_import.read_only(delivery, options, summary, lambda piece: take(piece.rows))
    _require_none(summary.refused)
    return summary.counting()


def _require_none(refused: Sequence[Refused]) -> None:
    for each in refused:
        raise RefusedError(f"{each.file.name}: {each.reason}")
