"""Answers of the API as tables for a terminal: amounts to the right, shares as bars, dearest first."""

from __future__ import annotations

import base64
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from domain.queries import GROUPINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Column = tuple[str, bool]

BAR_CELLS: Final = 24
BEGINNING: Final = 60
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_CENT: Final = Decimal("0.01")
_SMALLEST: Final = Decimal("0.000001")
# As many digits as an exact sum may have.
_READING: Final = Context(prec=120, rounding=ROUND_HALF_EVEN)
NO_PRICE: Final = "no price"
EVERYBODY: Final = "everybody"
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
    table = new_table(covered(answer["window"]), [*columns, ("events", RIGHT)])
    for group in groups:
        amount = Decimal(group["amount"])
        part = share(amount, total)
        when = [moment(group["start"])] if by_time else []
        figures = (_amount(amount, group), f"{part:.1%}", _bar(part), f"{group['events']:,}")
        add_row(table, *when, *(group["key"][name] for name in names), *figures)
    return table


def costs_total(answer: Mapping[str, Any]) -> Text:
    """Tell the total, and what it lacks."""
    line = Text(f"total {precise(answer['total'])} {answer['currency']}", "bold")
    if unpriced := answer["unpriced"]["events"]:
        line.append(f"; {counted(unpriced, 'event')} without a price", "yellow")
    if lag := answer["completeness"]["metered"]["lag"]:
        line.append(f"; {counted(lag, 'record')} on the way", "yellow")
    if answer["completeness"]["metered"].get("rebuilding"):
        line.append("; too low: figures are being written anew", "yellow")
    if answer["completeness"]["metered"].get("moving"):
        line.append("; more is on the way: partitions move to another worker", "yellow")
    return line


def unit_costs_table(answer: Mapping[str, Any]) -> Table:
    """Show `GET /unit-costs`; what became dearer is red."""
    columns = [("feature", LEFT), ("unit", LEFT), ("count", RIGHT), ("cost", RIGHT), ("per unit", RIGHT)]
    table = new_table(covered(answer["window"]), [*columns, ("trend", RIGHT)])
    for each in answer["features"]:
        count = f"{Decimal(each['count']):,f}"
        known = each["cost"] is not None
        cost = money(Decimal(each["cost"])) if known else NO_PRICE
        unit_cost = f"{Decimal(each['unit_cost']):,.4g}" if known else NO_PRICE
        trend = _trend(each["trend_percent"]) if known else ""
        add_row(table, each["feature"], each["unit"], count, cost, unit_cost, trend)
    return table


def budgets_table(statuses: Iterable[Mapping[str, Any]]) -> Table:
    """Show budgets, fullest first."""
    columns = [("scope", LEFT), ("period", LEFT), ("spent", RIGHT), ("limit", RIGHT), ("", RIGHT), ("used", RIGHT)]
    table = new_table("Budgets", [*columns, ("", LEFT), ("crossed", LEFT), ("state", LEFT)])
    for status in sorted(statuses, key=lambda status: -Decimal(status["ratio"])):
        ratio, state = Decimal(status["ratio"]), str(status["state"])
        spent, limit = money(Decimal(status["spent"])), money(Decimal(status["limit"]))
        crossed = ", ".join(f"{Decimal(threshold):.0%}" for threshold in status["crossed"])
        gauge = _bar(min(ratio, Decimal(1)), "red" if ratio >= 1 else "yellow" if crossed else "green")
        said = Text(state, _STATES.get(state, ""))
        if unpriced := status.get("unpriced", 0):
            said.append(f", {counted(unpriced, 'event')} without a price", "yellow")
        period = str(status["period"]["name"])
        add_row(
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


def flags_table(flags: Mapping[str, Mapping[str, Any]]) -> Table:
    """Show flags with the variant that holds now."""
    table = new_table("Flags", [("flag", LEFT), ("variant", LEFT), ("for", LEFT)])
    for key, flag in sorted(flags.items()):
        rules = list(_rules(flag.get("targeting") or {}))
        for variant, whom in rules:
            add_row(table, key, Text(variant, "yellow"), whom)
        if not any(whom == EVERYBODY for _, whom in rules):
            add_row(table, key, str(flag.get("defaultVariant", "")), f"{EVERYBODY} else" if rules else EVERYBODY)
    return table


def _rules(targeting: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield variant and scope of each rule of a flag that costguard serves, in the order in which they are tried."""
    branches = targeting.get("if", [])
    for condition, variant in zip(branches[::2], branches[1::2], strict=False):
        yield str(variant), EVERYBODY if condition is True else ",".join(map(_term, condition["and"]))


def _term(condition: Mapping[str, Any]) -> str:
    equal = condition if "===" in condition else condition["or"][1]
    (variable, value) = equal["==="]
    return f"{variable['var'][0]}={value}"


def dead_letters_table(letters: Iterable[Mapping[str, Any]]) -> Table:
    """Show what was rejected, newest first."""
    columns = [("when", LEFT), ("where", LEFT), ("bytes", RIGHT), ("reason", LEFT), ("begins", LEFT)]
    table = new_table("Dead letters", columns)
    for letter in letters:
        data = letter.get("data", letter)
        where = f"{data.get('topic', '')}[{data.get('partition', '')}]@{data.get('offset', '')}"
        when = moment(letter.get("recordedtime", ""))
        add_row(table, when, where, f"{data.get('size', 0):,}", str(data.get("reason", "")), _beginning(data))
    return table


def _beginning(data: Mapping[str, Any]) -> str:
    """Return the first characters of what was rejected: enough to find it where it came from."""
    raw = base64.b64decode(str(data.get("raw", ""))[: BEGINNING * 4])
    return raw.decode("utf-8", "replace")[:BEGINNING]


def counted(number: int, what: str) -> str:
    """Write `1 event`, `2 events`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _amount(amount: Decimal, line: Mapping[str, Any]) -> str:
    """Write an amount; what has no price at all did not cost nothing."""
    return NO_PRICE if not amount and line.get("unpriced") else money(amount)


def money(amount: Decimal) -> str:
    """Round for reading: to cents, or to three digits where cents would show nothing: `1,234.50`, `0.000125`."""
    if amount and abs(amount) < _CENT:
        return f"{amount:.3g}" if abs(amount) >= _SMALLEST else format(Decimal(f"{amount:.2e}"), "f")
    return in_cents(amount) if abs(amount) < 10**20 else f"{amount:.6e}"


def in_cents(amount: Decimal) -> str:
    """Round to cents, however large or small it is."""
    return f"{amount.quantize(_CENT, context=_READING):,f}"


def precise(figure: str) -> str:
    """Round an exact amount for reading: to two to six decimals; what is below a millionth keeps three digits."""
    value = Decimal(figure)
    return _decimals(value, 6 if abs(value) >= _SMALLEST else 2 - value.adjusted())


def price(figure: str) -> str:
    """Round a price of one unit for reading, as `precise` does, but keep six digits of it: units may be small."""
    value = Decimal(figure)
    return _decimals(value, max(6, 5 - value.adjusted()))


def _decimals(value: Decimal, most: int) -> str:
    rounded = f"{value.quantize(Decimal(1).scaleb(-most), context=_READING) if value else 0:,f}"
    whole, _, decimals = rounded.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


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


def covered(window: Mapping[str, str]) -> str:
    """Write the time that an answer is about."""
    return f"{moment(window['start'])} to {moment(window['end'])} UTC"


def new_table(title: str, columns: Sequence[Column]) -> Table:
    """Return an empty table; columns are names, and whether they stand to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name, right in columns:
        # Folded, never cut: an amount, an id or a scope without its end is another one.
        table.add_column(name, justify="right" if right else "left", header_style="dim", overflow="fold")
    return table


def add_row(table: Table, *cells: str | Text, style: str = "") -> None:
    """Add a row; names come from senders, and must not speak to the terminal."""
    table.add_row(*(cell if isinstance(cell, Text) else Text(_printable(cell)) for cell in cells), style=style)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
