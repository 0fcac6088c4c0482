"""The tale of the demo, for a terminal: who spent what, which budgets broke, what was wrong with the data."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from rich.table import Table
from rich.text import Text

from domain.money import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from app.demo.checks import Check
    from app.demo.outcome import Anomaly, BudgetLine, Crossing, FlagChange, Outcome, Spend
    from app.demo.recomputed import Recomputed

LEVELS: Final = "▁▂▃▄▅▆▇█"
BAR_CELLS: Final = 20
DEAREST: Final = 6
PLAYED_FAST: Final = (
    "A month is played here in about a minute: a flag that switches within seconds of the clock switches hours of the "
    "month later, so budgets are overshot by more than they would be live."
)
PATHS: Final = ("/flags", "/budgets", "/anomalies", "/readyz", "/metrics", "/openapi.json", "/docs")


def show(
    console: Console,
    outcome: Outcome,
    expected: Recomputed,
    *,
    title: str,
    checks: Sequence[Check],
    seconds: float,
) -> None:
    """Print the whole summary."""
    console.rule(f"[bold]{title}")
    console.print(headline(outcome, expected, seconds))
    for heading, spends in (("Spend by tenant", outcome.tenants), ("Spend by feature", outcome.features)):
        console.print(spend_table(heading, spends, outcome.total))
    console.print(budget_table(outcome.budgets, outcome.crossings))
    for line in foresight(outcome.foreseen):
        console.print(line, highlight=False)
    console.print(flag_table(outcome.flag_changes))
    for line in hindsight(outcome):
        console.print(line, highlight=False)
    console.print(quality_table(outcome, expected))
    console.print(anomaly_table(outcome.anomalies))
    console.print(check_table(checks))


def headline(outcome: Outcome, expected: Recomputed, seconds: float) -> Text:
    """Tell volume, speed and total in two lines."""
    rate = expected.records / seconds
    return Text.assemble(
        (f"{expected.records:,} events in {seconds:.1f} s", "bold"),
        f", {rate:,.0f} a second from making them up to seeing them in the API\nTotal ",
        (dollars(outcome.total), "bold green"),
        f" USD, exactly {to_text(outcome.total)}\n",
    )


def spend_table(heading: str, spends: Iterable[Spend], total: Decimal) -> Table:
    """Show amounts, shares as bars, and the days as sparklines."""
    table = _table(heading, ("", "left"), ("USD", "right"), ("share", "right"), ("", "left"), ("by day", "left"))
    for spend in spends:
        share = spend.amount / total if total else Decimal(0)
        table.add_row(
            spend.name, dollars(spend.amount), f"{share:.1%}", Text(bar(share), "cyan"), sparkline(spend.days)
        )
    return table


def budget_table(budgets: Iterable[BudgetLine], crossings: Sequence[Crossing]) -> Table:
    """Show each budget, how full it is, and when (by event time) each threshold was crossed."""
    table = _table(
        "Budgets",
        ("scope", "left"),
        ("spent", "right"),
        ("limit", "right"),
        ("used", "right"),
        ("crossed", "left"),
    )
    for budget in budgets:
        when = [
            f"{crossing.threshold:.0%} {moment(crossing.at)}"
            for crossing in sorted(crossings, key=lambda crossing: crossing.threshold)
            if crossing.scope == budget.scope
        ]
        style = "red" if budget.ratio >= 1 else "yellow" if budget.crossed else "green"
        table.add_row(
            budget.scope,
            dollars(budget.spent),
            dollars(budget.limit),
            Text(f"{budget.ratio:.0%}", style),
            "\n".join(when) or "-",
        )
    return table


def foresight(foreseen: Iterable[Crossing]) -> Iterator[str]:
    """Tell what was foreseen of which budget, and when."""
    for each in foreseen:
        then = f"on {moment(each.expected)}" if each.expected else "before the period ends"
        yield f"{each.scope}: on {moment(each.at)} it was foreseen that {each.threshold:.0%} would be reached {then}"


def flag_table(changes: Iterable[FlagChange]) -> Table:
    """Show each change of a feature flag that a budget made, and when."""
    table = _table("Flags changed", ("at", "left"), ("flag", "left"), ("became", "left"), ("because of", "left"))
    for change in changes:
        table.add_row(moment(change.at), change.key, Text(change.variant, "bold"), change.scope)
    return table


def hindsight(outcome: Outcome) -> Iterator[str]:
    """Tell what was spent after a budget's first flag: the played company does not listen to flags."""
    spent = {budget.scope: budget.spent for budget in outcome.budgets}
    for scope in dict.fromkeys(change.scope for change in outcome.flag_changes):
        change = min((change for change in outcome.flag_changes if change.scope == scope), key=lambda it: it.at)
        before = [it.spent for it in outcome.crossings if it.scope == scope and it.at <= change.at]
        if before and scope in spent:
            yield (
                f"[bold]{change.key}[/] said {change.variant} on {moment(change.at)}; obeyed, it would have saved "
                f"up to {dollars(spent[scope] - max(before))} USD"
            )
    if outcome.flag_changes:
        yield PLAYED_FAST


def quality_table(outcome: Outcome, expected: Recomputed) -> Table:
    """Show what was wrong with the data, and what became of it."""
    table = _table("Data quality", ("", "left"), ("events", "right"), ("", "left"))
    troubles = {trouble.value: count for trouble, count in expected.troubles.items()}
    dropped = expected.records - outcome.events - sum(outcome.rejected.values())
    table.add_row("repeated", f"{dropped:,}", "dropped: source and id were seen before")
    table.add_row("late", f"{troubles.get('late', 0):,}", "an hour to four days; counted where they belong")
    table.add_row("unpriced", f"{outcome.unpriced:,}", "cost unknown, never 0: see GET /costs, unpriced")
    missing = ", ".join(
        f"{dollars(amount)} USD without {name}" for name, amount in outcome.unattributed.items() if amount
    )
    table.add_row("unlabelled", f"{troubles.get('unlabelled', 0):,}", f"their cost is unattributed: {missing}")
    for reason, count in outcome.rejected.items():
        table.add_row("rejected", f"{count:,}", Text(reason))
    return table


def anomaly_table(anomalies: Sequence[Anomaly]) -> Table | str:
    """Show the dearest anomalies, and how many there were."""
    if not anomalies:
        return "\n[bold]Anomalies[/] none"
    title = f"Anomalies: {len(anomalies)}, the dearest of them"
    columns = (("since", "left"), ("", "left"), ("what", "left"), ("scope", "left"), ("USD so far", "right"))
    table = _table(title, *columns)
    for each in anomalies[:DEAREST]:
        what = f"{each.kind}, {each.driver}"
        table.add_row(moment(each.since), each.severity, what, each.scope, dollars(each.so_far))
    return table


def check_table(checks: Iterable[Check]) -> Table:
    """Show what was verified, and what failed."""
    table = _table("Verified", ("", "left"), ("", "left"), ("", "left"))
    for claim, holds, figures in checks:
        table.add_row(Text("ok", "green") if holds else Text("WRONG", "bold red"), claim, figures)
    return table


def address_lines(api: str, broker: str, data_dir: Path, start: str, end: str) -> str:
    """Tell where to look while the demo keeps running, and how commands find it."""
    costs = f"/costs?group_by=tenant,feature&start={start}&end={end}"
    urls = [f"  {api}{path}" for path in (costs, *PATHS)]
    costguard = f"  COSTGUARD_DATA_DIR={data_dir} {_command()}"
    commands = [
        f"{costguard} costs --group-by tenant,feature --start {start} --end {end}",
        f"{costguard} anomalies",
        f"{costguard} budgets",
    ]
    return "\n".join([*urls, f"  kafka://{broker}, topic usage-metered", *commands])


def _command() -> str:
    """Return how this command was called, as short as it works from here."""
    called = Path(sys.argv[0])
    return os.path.relpath(called) if called.is_absolute() and called.is_relative_to(Path.cwd()) else str(called)


def dollars(amount: Decimal) -> str:
    """Round to cents for reading: `1,234.50`."""
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_EVEN):,}"


def bar(share: Decimal) -> str:
    """Draw a share of the whole."""
    return "█" * max(1 if share > 0 else 0, int((share * BAR_CELLS).to_integral_value()))


def sparkline(values: Sequence[Decimal]) -> str:
    """Draw values from zero to their own maximum."""
    highest = max(values, default=Decimal(0))
    if highest <= 0:
        return LEVELS[0] * len(values)
    return "".join(LEVELS[min(7, max(0, int(value / highest * 8)))] for value in values)


def moment(rfc3339: str) -> str:
    """Write an instant for reading: `24 Oct 03:12`."""
    return datetime.fromisoformat(rfc3339).strftime("%d %b %H:%M")


def _table(title: str, *columns: tuple[str, str]) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.show_header = any(name for name, _ in columns)
    for name, justify in columns:
        # Folded, never cut: an amount or a scope without its end is another one.
        side: Literal["left", "right"] = "right" if justify == "right" else "left"
        table.add_column(name, justify=side, header_style="dim", overflow="fold")
    return table
