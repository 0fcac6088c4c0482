"""Five minutes of fast scopes, as detection goes through them between two hours.

Their models live in memory, and are written with each hour's: after a restart the windows since then are learnt again
from the parts that are kept, and those of which something was told (`Mark.fine`) are not told of again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from agents.anomaly_rows import lines_between, stale
from domain.anomaly import choosing, fast
from domain.anomaly.choosing import Choice
from domain.anomaly.fast_state import WIDTH, FastState, encode_fast
from domain.anomaly.quick import Quick, judge_fast_again, tell_fast
from domain.windows import DAY, HOUR
from tables import detectors as table

if TYPE_CHECKING:
    from agents.ports import Tenure
    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.detection import Hourly
    from domain.anomaly.hours import ScopeKey


class Windows:
    """The five minutes of the hour that is under way; `next` are those to be judged next."""

    def __init__(self, rows: Tenure, settings: AnomalySettings) -> None:
        self._rows = rows
        self._settings = settings
        self._lines = partial(lines_between, rows)
        stored = rows.get(table.CHOICE)
        self.choice = Choice() if stored is None else table.decode_choice(stored)
        self._states: dict[ScopeKey, FastState] = {
            table.split_state_key(key): table.decode_fast(row) for key, row in rows.scan(table.FAST)
        }
        self._quick: Quick | None = None
        self.next = 0

    @property
    def on(self) -> bool:
        """Whether any scope is fast."""
        return bool(self.choice.keys) and self._settings.fast > 0

    def begin(self, hour: int, hourly: Hourly, mark: table.Mark) -> None:
        """Begin with the windows of an hour, unless that is done; those that were judged before are learnt again."""
        if self._quick is not None and self._quick.hour == hour:
            return
        keys = self.choice.keys[: self._settings.fast]
        self._quick = Quick(hour, self._states, keys, hourly.state, self._settings, mark.version)
        self.next = hour
        while self.next <= mark.fine < hour + HOUR:
            self._quick.window(self.next, self._lines(self.next, self.next + WIDTH))
            self.next += WIDTH

    def judge(self, hourly: Hourly) -> int:
        """Judge the next window; what is told is collected by `hourly`. Return the window."""
        window, quick = self.next, self._held
        seen = quick.window(window, self._lines(window, window + WIDTH))
        if seen:
            tell_fast(hourly, quick, window, seen, self._lines)
            self._draw(hourly)
        self.next = window + WIDTH
        return window

    def has_judged(self, window: int) -> bool:
        """Tell whether a window is one of the hour that is under way, and was judged."""
        return self._quick is not None and self._quick.hour <= window < self.next

    def again(self, window: int, hourly: Hourly) -> None:
        """Judge a window again."""
        judge_fast_again(hourly, self._held, window, self._lines)
        self._draw(hourly)

    def written_with(self, hour: int, hourly: Hourly) -> dict[bytes, bytes | None]:
        """Return the rows that are written with an hour: the models as they are after it, and at its end the choice."""
        rows: dict[bytes, bytes | None] = {}
        if hour % DAY == DAY - HOUR and self._settings.fast:
            before = self.choice
            self.choice = choosing.choose(
                before, hourly.candidates, self._states, self._settings.fast, hour + HOUR, fast.is_steady
            )
            rows[table.CHOICE] = choosing.encode_choice(self.choice)
            dropped = set(self._states) - set(self.choice.keys)
            rows |= {table.fast_key(key): None for key in dropped}
            self._states = {key: state for key, state in self._states.items() if key not in dropped}
        rows |= {table.fast_key(key): encode_fast(state) for key, state in self._states.items()}
        self._quick = None
        return rows

    async def forget(self, hour: int) -> None:
        """Delete parts that are not looked back on any more."""
        await self._rows.delete(list(stale(self._rows, hour - table.WINDOWS_KEPT, table.WINDOWS)))

    def _draw(self, hourly: Hourly) -> None:
        """Keep with each anomaly that no hour has shown yet how its five minutes came."""
        for identifier, episode in hourly.keeper.changed.items():
            state = self._states.get(episode.key)
            if state is not None and not episode.hours:
                hourly.keeper.changed[identifier] = replace(episode, series=tuple(state.series()))

    @property
    def _held(self) -> Quick:
        if self._quick is None:
            raise RuntimeError("no hour was begun")
        return self._quick
