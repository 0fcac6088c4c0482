"""Answers of the API as tables for a terminal: amounts to the right, shares as bars, dearest first."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from domain.queries import GROUPINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Column = tuple[str, bool]

BAR_CELLS: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_CENT: Final = Decimal("0.01")
_SMALLEST: Final = Decimal("0.000001")
LEFT: Final = False
RIGHT: Final = True
_STATES: Final = {"ok": "green", "crossed": "red"}


def costs_table(answer: Mapping[str, Any]) -> Table:
    """Show the groups of `GET /costs`, each with its share of the total."""
    groups = answer["groups"]
    names = tuple(groups[0]["key"]) if groups else ()
    by_time = any("start" in group for group in groups)
    total = Decimal(answer["total"])
    time: list[Column] = [("time", LEFT)] if by_time else []
    columns = [*time, *((name, LEFT) for name in names), (answer["currency"], RIGHT), ("share", RIGHT), ("", LEFT)]
    table = _table(_covered(answer["window"]), [*columns, ("events", RIGHT)])
    for group in groups:
        amount = Decimal(group["amount"])
        part = share(amount, total)
        when = [moment(group["start"])] if by_time else []
        figures = (money(amount), f"{part:.1%}", _bar(part), f"{group['events']:,}")
        _row(table, *when, *(group["key"][name] for name in names), *figures)
    return table


def costs_total(answer: Mapping[str, Any]) -> Text:
    """Tell the exact total, and what it lacks."""
    line = Text(f"total {answer['total']} {answer['currency']}", "bold")
    if unpriced := answer["unpriced"]["events"]:
        line.append(f"; {unpriced:,} events have no price", "yellow")
    if lag := answer["completeness"]["metered"]["lag"]:
        line.append(f"; {lag:,} records are on their way", "yellow")
    return line


def unit_costs_table(answer: Mapping[str, Any]) -> Table:
    """Show `GET /unit-costs`; what became dearer is red."""
    columns = [("feature", LEFT), ("unit", LEFT), ("count", RIGHT), ("cost", RIGHT), ("per unit", RIGHT)]
    table = _table(_covered(answer["window"]), [*columns, ("trend", RIGHT)])
    for each in answer["features"]:
        count = f"{Decimal(each['count']):,f}"
        cost, unit_cost = money(Decimal(each["cost"])), f"{Decimal(each['unit_cost']):,.4g}"
        _row(table, each["feature"], each["unit"], count, cost, unit_cost, _trend(each["trend_percent"]))
    return table


def budgets_table(statuses: Iterable[Mapping[str, Any]]) -> Table:
    """Show budgets, fullest first."""
    columns = [("scope", LEFT), ("period", LEFT), ("spent", RIGHT), ("limit", RIGHT), ("", RIGHT), ("used", RIGHT)]
    table = _table("Budgets", [*columns, ("", LEFT), ("crossed", LEFT), ("state", LEFT)])
    for status in sorted(statuses, key=lambda status: -Decimal(status["ratio"])):
        ratio, state = Decimal(status["ratio"]), str(status["state"])
        spent, limit = money(Decimal(status["spent"])), money(Decimal(status["limit"]))
        crossed = ", ".join(f"{Decimal(threshold):.0%}" for threshold in status["crossed"])
        gauge = _bar(min(ratio, Decimal(1)), "red" if ratio >= 1 else "yellow" if crossed else "green")
        said = Text(state, _STATES.get(state, ""))
        period = str(status["period"]["name"])
        _row(
            table,
            scope(status["scope"]),
            period,
            spent,
            limit,
            status["currency"],
            f"{ratio:.1%}",
            gauge,
            crossed,
            said,
        )
    return table


def anomalies_table(anomalies: Iterable[Mapping[str, Any]]) -> Table:
    """Show anomalies as they come."""
    table = _table("Anomalies", [("time", LEFT), ("scope", LEFT), ("what", LEFT)])
    shown = {"time", "at", "scope"}
    for each in anomalies:
        what = ", ".join(f"{name} {value}" for name, value in each.items() if name not in shown)
        _row(table, str(each.get("time", each.get("at", ""))), scope(each.get("scope", {})), what)
    return table


def flags_table(flags: Mapping[str, Mapping[str, Any]]) -> Table:
    """Show flags with the variant that holds now."""
    table = _table("Flags", [("flag", LEFT), ("state", LEFT), ("variant", LEFT), ("targeting", LEFT)])
    for key, flag in sorted(flags.items()):
        targeting = "by scope" if flag.get("targeting") else ""
        _row(table, key, str(flag.get("state", "")), str(flag.get("defaultVariant", "")), targeting)
    return table


def dead_letters_table(letters: Iterable[Mapping[str, Any]]) -> Table:
    """Show what was rejected, newest first."""
    table = _table("Dead letters", [("where", LEFT), ("bytes", RIGHT), ("reason", LEFT)])
    for letter in letters:
        data = letter.get("data", letter)
        where = f"{data.get('topic', '')}[{data.get('partition', '')}]@{data.get('offset', '')}"
        _row(table, where, f"{data.get('size', 0):,}", str(data.get("reason", "")))
    return table


def money(amount: Decimal) -> str:
    """Round for reading: to cents, or to three digits where cents would show nothing: `1,234.50`, `0.000125`."""
    if amount and abs(amount) < _CENT:
        return f"{amount:.2e}" if abs(amount) < _SMALLEST else f"{amount:.3g}"
    return f"{amount.quantize(_CENT, ROUND_HALF_EVEN):,f}" if abs(amount) < 10**20 else f"{amount:.6e}"


def share(part: Decimal, whole: Decimal) -> Decimal:
    """Return the part of the whole; zero of nothing."""
    return part / whole if whole else Decimal(0)


def bar(part: Decimal) -> str:
    """Draw a share with eighths of a cell; what is not nothing is seen."""
    eighths = int(min(max(part, Decimal(0)), Decimal(1)) * BAR_CELLS * 8)
    if not eighths:
        return _EIGHTHS[1] if part > 0 else ""
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def moment(rfc3339: str) -> str:
    """Write an instant for reading, in UTC: `2026-11-24 03:12`."""
    return rfc3339[:16].replace("T", " ")


def scope(terms: Mapping[str, str]) -> str:
    """Write a scope as the API takes it; `all` for the empty one."""
    return ",".join(f"{name}={terms[name]}" for name in GROUPINGS if name in terms) or "all"


def _bar(part: Decimal, style: str = "cyan") -> Text:
    return Text(bar(part), style)


def _trend(percent: str | None) -> Text:
    if percent is None:
        return Text("new", "dim")
    change = Decimal(percent)
    return Text(f"{change:+,.1f} %", "red" if change > 0 else "green" if change < 0 else "dim")


def _covered(window: Mapping[str, str]) -> str:
    return f"{moment(window['start'])} to {moment(window['end'])} UTC"


def _table(title: str, columns: Sequence[Column]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, right in columns:
        table.add_column(name, justify="right" if right else "left", header_style="dim", no_wrap=right)
    return table


def _row(table: Table, *cells: str | Text) -> None:
    """Add a row; names come from senders, and must not speak to the terminal."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(_printable(cell)) for cell in cells))


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
