"""Anomalies for the terminal: a table of them, and one of them with its hours drawn."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from app import query_tables as tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.table import Table

_STYLES: Final = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_COLUMNS: Final = (
    "since",
    "severity",
    "kind",
    "scope",
    "driver",
    "actual",
    "expected",
    "percent",
    "per day",
    "status",
    "id",
)
_RIGHT: Final = frozenset({"actual", "expected", "percent", "per day"})


def anomalies_table(anomalies: Iterable[Mapping[str, Any]]) -> Table:
    """Show anomalies, newest first."""
    table = tables.new_table("Anomalies", [(name, name in _RIGHT) for name in _COLUMNS])
    for each in anomalies:
        tables.add_row(
            table,
            tables.moment(each["since"]),
            Text(each["severity"], _STYLES.get(each["severity"], "")),
            each["kind"],
            tables.scope(each["scope"]),
            each["driver"],
            tables.money(Decimal(each["actual"])),
            tables.money(Decimal(each["expected"])),
            "" if each["percent"] is None else f"{Decimal(each['percent']):+,.0f} %",
            tables.money(Decimal(each["at_stake"]["per_day"])),
            each["status"],
            each["anomaly_id"],
        )
    return table


def anomaly_details(anomaly: Mapping[str, Any]) -> Table:
    """Show one anomaly: figures, what the difference is made of, who contributes, and its hours."""
    table = tables.new_table(f"{anomaly['kind']}: {tables.scope(anomaly['scope'])}", [("", False), ("", False)])
    band, stake = anomaly["band"], anomaly["at_stake"]
    actual, expected, lower, upper, so_far, per_day = map(
        tables.precise,
        (anomaly["actual"], anomaly["expected"], band["lower"], band["upper"], stake["so_far"], stake["per_day"]),
    )
    for name, value in {
        "since": f"{tables.moment(anomaly['since'])} UTC, {anomaly['status']}{_reason(anomaly)}",
        "actual": f"{actual} {anomaly['currency']}, expected {expected}{_percent(anomaly)}",
        "band": f"{lower} to {upper}, {anomaly['sigma']} sigma",
        "at stake": f"{so_far} so far, {per_day} a day if it goes on ({anomaly['severity']})",
        "made of": ", ".join(
            f"{name} {tables.precise(term)}" for name, term in anomaly["decomposition"].items() if Decimal(term)
        ),
        "from": ", ".join(
            f"{each['dimension']}={each['value']} {tables.precise(each['difference'])}"
            for each in anomaly["contributors"]
        ),
        "also in": ", ".join(anomaly["also"]),
        "suspected": anomaly["suspected_driver"],
        "similar": ", ".join(anomaly["similar"]),
        "owner": anomaly["owner"] or "",
        "link": anomaly["link"],
        "actual, drawn": drawn([each["actual"] for each in anomaly.get("series", ())]),
        "expected, drawn": drawn([each["expected"] for each in anomaly.get("series", ())]),
    }.items():
        tables.add_row(table, Text(name, "dim"), value)
    return table


def _percent(anomaly: Mapping[str, Any]) -> str:
    return "" if anomaly["percent"] is None else f" ({Decimal(anomaly['percent']):+,.1f} %)"


def _reason(anomaly: Mapping[str, Any]) -> str:
    return "" if anomaly["closed"] is None else f": {anomaly['closed']['reason']}"


def drawn(values: Sequence[float]) -> str:
    """Draw values from zero to their own maximum."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return _LEVELS[0] * len(values)
    return "".join(_LEVELS[min(7, max(0, int(value / highest * 8)))] for value in values)
