"""Detection as the agent runs it, over states in memory: five minutes of fast scopes, hours, episodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.anomaly import choosing, fast
from domain.anomaly.calendar import AnomalySettings
from domain.anomaly.choosing import Choice
from domain.anomaly.detection import Hourly, MemoryStates
from domain.anomaly.fast_state import WIDTH, FastState
from domain.anomaly.hours import HourLine
from domain.anomaly.quick import Quick, tell_fast
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import ScopeKey
    from domain.anomaly.keeping import Keeper

GRACE: Final = 300


class Told(NamedTuple):
    """An anomaly that began: `at` is up to where the data was, in event time."""

    id: str
    at: int


@dataclass
class Playing:
    """Detection over windows that come in order."""

    settings: AnomalySettings = field(default_factory=AnomalySettings)
    states: MemoryStates = field(default_factory=MemoryStates)
    episodes: dict[str, Episode] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    choice: Choice = field(default_factory=Choice)
    _fast: dict[ScopeKey, FastState] = field(default_factory=dict)
    _kept: dict[int, Sequence[HourLine]] = field(default_factory=dict)

    def hour(self, hour: int, windows: Sequence[Sequence[HourLine]]) -> None:
        """Play an hour: its twelve windows, then itself."""
        for at, lines in enumerate(windows):
            self._kept[hour + at * WIDTH] = lines
        if self.choice.keys and self.settings.fast:
            self._windows(hour)
        hourly = self._hourly()
        for _ in hourly.hour(hour, _summed(line for lines in windows for line in lines), hour):
            pass
        self.states.rows |= hourly.states
        self._keep(hourly.keeper, hour + HOUR + GRACE)
        if hour % DAY == DAY - HOUR and self.settings.fast:
            self._choose(hour, hourly)
        for window in [each for each in self._kept if each < hour - 4 * HOUR]:
            del self._kept[window]

    def _windows(self, hour: int) -> None:
        quick = Quick(hour, self._fast, self.choice.keys, self._hourly().state, self.settings)
        for window in range(hour, hour + HOUR, WIDTH):
            hourly = self._hourly()
            seen = quick.window(window, self._kept[window])
            if seen:
                tell_fast(hourly, quick, window, seen, self._lines)
                self._keep(hourly.keeper, window + WIDTH + GRACE)

    def _choose(self, hour: int, hourly: Hourly) -> None:
        most = self.settings.fast
        self.choice = choosing.choose(self.choice, hourly.candidates, self._fast, most, hour + HOUR, fast.is_steady)
        self._fast = {key: state for key, state in self._fast.items() if key in set(self.choice.keys)}

    def _hourly(self) -> Hourly:
        return Hourly(self.states, self.episodes, self.settings, self._lines)

    def _lines(self, start: int, end: int) -> list[HourLine]:
        return [line for at in range(start, end, WIDTH) for line in self._kept.get(at, ())]

    def _keep(self, keeper: Keeper, at: int) -> None:
        self.episodes |= keeper.changed
        self.told += [Told(identifier, at) for identifier in keeper.opened]


def _summed(lines: Iterable[HourLine]) -> list[HourLine]:
    """Return lines as those of an hour: one for each scope and resource type."""
    found: dict[tuple[tuple[str, ...], str], HourLine] = {}
    for line in lines:
        place = line.values, line.resource_type
        known = found.get(place)
        found[place] = (
            line
            if known is None
            else HourLine(*place, known.events + line.events, known.units + line.units, known.amount + line.amount)
        )
    return list(found.values())
