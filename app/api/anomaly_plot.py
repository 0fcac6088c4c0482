"""An anomaly as a picture: what was expected with its band, what came, and where it was odd. Plain SVG, no scripts."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

WIDTH: Final = 720
HEIGHT: Final = 300
LEFT: Final = 70
TOP: Final = 56
RIGHT: Final = 16
BOTTOM: Final = 40
LINES: Final = 4
# What fits over the plot in its size, whatever the letters are.
TITLE_LETTERS: Final = 84
FIGURES_LETTERS: Final = 104

Scale = Callable[[float], float]


def draw(anomaly: Mapping[str, Any]) -> str:
    """Return the SVG of an anomaly as `GET /anomalies/{id}` shows it."""
    series: Sequence[Mapping[str, Any]] = anomaly.get("series") or []
    values = [value for each in series for value in (each["actual"], each["lower"], each["upper"])]
    low: float = min([0.0, *values])
    high: float = max([1e-9, *values])
    across = (WIDTH - LEFT - RIGHT) / max(len(series) - 1, 1)

    def x(at: float) -> float:
        return LEFT + at * across

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [
        *_frame(anomaly, low, high, y),
        _band(series, x, y),
        _line([each["expected"] for each in series], x, y, "#888", dashed=True),
        _line([each["actual"] for each in series], x, y, "#1f4e9c"),
        *_odd(anomaly, series, x, y),
        *_ends(series),
    ]
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    # Read aloud, and shown where the pointer rests: whole, however long names are.
    title = f"<title>{_clean(_title(anomaly))}</title>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} font-family="sans-serif" font-size="11">'
        f"{title}{''.join(parts)}</svg>"
    )


def _title(anomaly: Mapping[str, Any]) -> str:
    scope = ",".join(f"{name}={value}" for name, value in anomaly["scope"].items()) or "all"
    return f"{anomaly['kind']} in {scope}, {anomaly['driver']}"


def _frame(anomaly: Mapping[str, Any], low: float, high: float, y: Scale) -> list[str]:
    percent = "" if anomaly["percent"] is None else f" ({anomaly['percent']} %)"
    figures = (
        f"{anomaly['actual']} instead of {anomaly['expected']} {anomaly['currency']}{percent}, since {anomaly['since']}"
    )
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(RIGHT, 20, _short(_title(anomaly), TITLE_LETTERS), "#111", size=13),
        _text(RIGHT, 38, _short(figures, FIGURES_LETTERS), "#555"),
    ]
    for step in range(LINES + 1):
        value = low + (high - low) * step / LINES
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#e4e4e4"/>')
        parts.append(_text(LEFT - 6, y(value) + 4, f"{value:,.4g}", "#777", anchor="end"))
    return parts


def _band(series: Sequence[Mapping[str, Any]], x: Scale, y: Scale) -> str:
    if not series:
        return ""
    upper = [f"{x(at):.1f},{y(each['upper']):.1f}" for at, each in enumerate(series)]
    lower = [f"{x(at):.1f},{y(each['lower']):.1f}" for at, each in enumerate(series)]
    return f'<polygon points="{" ".join([*upper, *reversed(lower)])}" fill="#cfd8e8" fill-opacity="0.6"/>'


def _line(values: Sequence[float], x: Scale, y: Scale, colour: str, *, dashed: bool = False) -> str:
    points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in enumerate(values))
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"{dashes}/>'


def _odd(anomaly: Mapping[str, Any], series: Sequence[Mapping[str, Any]], x: Scale, y: Scale) -> list[str]:
    """Mark the hours outside of the band from the beginning of the anomaly on."""
    return [
        f'<circle cx="{x(at):.1f}" cy="{y(each["actual"]):.1f}" r="3.5" fill="#c0392b"/>'
        for at, each in enumerate(series)
        if anomaly["since"] <= each["start"] < anomaly["last"] and not each["lower"] <= each["actual"] <= each["upper"]
    ]


def _ends(series: Sequence[Mapping[str, Any]]) -> list[str]:
    if not series:
        return [_text(LEFT, HEIGHT - 14, "no hours are kept of it", "#777")]
    return [
        _text(LEFT, HEIGHT - 14, str(series[0]["start"]), "#777"),
        _text(WIDTH - RIGHT, HEIGHT - 14, str(series[-1]["start"]), "#777", anchor="end"),
    ]


def _text(x: float, y: float, text: str, colour: str, *, size: int = 11, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" text-anchor="{anchor}"'
    return f"<text {place}>{_clean(text)}</text>"


def _short(text: str, letters: int) -> str:
    """Leave out the middle of what is too long: scopes differ at their ends."""
    half = (letters - 1) // 2
    return text if len(text) <= letters else f"{text[:half]}\N{HORIZONTAL ELLIPSIS}{text[-half:]}"


def _clean(text: str) -> str:
    """Make text of names safe: they come from senders, and must not be markup."""
    return escape("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))
