"""Five minutes of the fast scopes: judged between two hours, and told in the same stories and episodes as the hours.

A `Quick` is of one hour: what the hours before it taught says what each of its twelve windows should cost. It changes
the models of the fast scopes; what it finds is told by `tell_fast`, under an id of the hour in which it began, as the
hour's own findings are: whichever sees a cause first, it is one anomaly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from domain.anomaly import fast, fast_learning, foreseen
from domain.anomaly.bounds import to_float
from domain.anomaly.decomposition import rounded
from domain.anomaly.episodes import terms_of
from domain.anomaly.fast import Glance
from domain.anomaly.fast_state import AN_HOUR, WIDTH, FastState
from domain.anomaly.hours import Part, observe
from domain.anomaly.keeping import CORRECTED
from domain.anomaly.spend import Judgement
from domain.anomaly.stories import Finding, tell
from domain.money import add_up
from domain.projecting import narrow
from domain.projections import PROJECTIONS
from domain.windows import HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.detection import Hourly
    from domain.anomaly.foreseen import Expected
    from domain.anomaly.hours import HourLine, Observed, ScopeKey
    from domain.anomaly.places import Lines
    from domain.anomaly.state import SpendState

_LITTLE: Final = 1e-9


class Seen(NamedTuple):
    """What a fast scope's five minutes were, and from which of its windows on."""

    key: ScopeKey
    glance: Glance
    start: int


class Quick:
    """The windows of one hour; `states` are the models of the fast scopes, which it changes."""

    def __init__(
        self,
        hour: int,
        states: dict[ScopeKey, FastState],
        keys: Collection[ScopeKey],
        state_of: Callable[[ScopeKey], SpendState | None],
        settings: AnomalySettings,
        version: int = 0,
    ) -> None:
        self.hour = hour
        self._states = states
        self._settings = settings
        self._minimum = float(settings.minimum)
        self._state_of = state_of
        self._version = version
        self._rests = rests(settings, hour)
        self._expected: dict[ScopeKey, list[Expected]] = {}
        for key in keys:
            state = state_of(key)
            self._expected[key] = [] if state is None else foreseen.foresee(state, hour, self._rests)
        self._where: dict[tuple[tuple[str, ...], str], list[ScopeKey]] = {}

    def window(self, window: int, lines: Iterable[HourLine]) -> list[Seen]:
        """Judge five minutes and learn them; return what is odd. A window that is learnt already is left as it is."""
        found: list[Seen] = []
        parts = self._observe(lines)
        for key, expected in self._expected.items():
            if not expected:
                continue
            usual = expected[(window - self.hour) // WIDTH]
            state = self._states.get(key)
            if state is None:
                state = self._states[key] = FastState(self._version, window - WIDTH)
            if state.window >= window:
                continue
            if self._settings.planned and self._settings.is_planned(terms_of(key), window):
                state.skip(window)
                continue
            state.version = self._version
            of_key = parts.get(key, {})
            amount = to_float(add_up(part.amount for part in of_key.values()))
            glance = fast.judge(state, window, of_key, amount, usual, self._minimum)
            fast_learning.learn(state, window, usual, glance)
            if glance.kind:
                found.append(Seen(key, glance, window - (glance.reach - 1) * WIDTH))
        return found

    def again(self, window: int, lines: Iterable[HourLine]) -> tuple[list[Seen], set[ScopeKey]]:
        """Judge five minutes by all that is known of them now, by what was expected at the time.

        Returns what is odd by itself, and which scopes have changed.
        """
        found: list[Seen] = []
        changed: set[ScopeKey] = set()
        parts = self._observe(lines)
        for key, expected in self._expected.items():
            state = self._states.get(key)
            if state is None or not expected:
                continue
            actual, usual, deviation = state.at(window)
            of_key = parts.get(key, {})
            now = to_float(add_up(part.amount for part in of_key.values()))
            if math.isnan(actual) or math.isclose(now, actual, rel_tol=1e-6, abs_tol=_LITTLE):
                continue
            state.correct(window, now, sum(part.events for part in of_key.values()))
            z = (now - usual) / deviation if deviation else 0.0
            limit = fast.limits_of(state, expected[0].cold)[0] if state.windows >= fast.WARM else math.inf
            changed.add(key)
            away = now - usual
            is_worth = away > fast.PERCENT * AN_HOUR * usual and away * fast.A_DAY >= self._minimum
            if z > limit and now > actual and is_worth:
                found.append(Seen(key, Glance(now, usual, deviation, z, limit, "spike", 1), window))
        return found, changed

    def missed(self, key: ScopeKey, start: int, end: int) -> tuple[float, bool]:
        """Return by how much some windows together are away as they are known now, and whether each is ordinary."""
        whole, ordinary = 0.0, True
        for window in range(start, end, WIDTH):
            actual, usual, deviation = self._states[key].at(window)
            if not math.isnan(actual):
                away = actual - usual
                whole += away
                ordinary &= abs(away) <= max(fast.SIGMA * deviation, fast.PERCENT * usual)
        return whole, ordinary

    def finding(self, seen: Seen, window: int, lines: Lines) -> Finding:
        """Return a finding over all windows that it rests on, with what was spent in them."""
        key, glance = seen.key, seen.glance
        state = self._states[key]
        parts = self._observe(lines(seen.start, window + WIDTH)).get(key, {})
        spans = [state.at(at) for at in range(seen.start, window + WIDTH, WIDTH)]
        actual = to_float(add_up(part.amount for part in parts.values()))
        expected = sum(each[1] for each in spans)
        z = glance.z
        # Of several windows the deviation is that of the twenty minutes in which they were found, in proportion.
        deviation = abs(actual - expected) / abs(z) if z else spans[-1][2]
        if glance.kind == "unit-cost" and glance.price > 1.0:
            deviation = math.sqrt(sum(each[2] ** 2 for each in spans))
            expected = actual / glance.price
            z = (actual - expected) / deviation if deviation else 0.0
        return Finding(key, glance.kind, Judgement(actual, expected, deviation, z, glance.limit, odd=True), parts)

    def context(
        self, finding: Finding, start: int, end: int, lines: Iterable[HourLine], known: Iterable[ScopeKey]
    ) -> dict[ScopeKey, tuple[Judgement, Observed]]:
        """Return what the full scopes within a finding's scope spent and should have spent, to drill into."""
        wanted, driver = terms_of(finding.key), finding.key[2]
        seen = {key: parts for key, parts in observe(lines).items() if key[0] == "full" and key[2] == driver}
        keys = set(seen) if finding.above else {*seen, *(key for key in known if key[0] == "full" and key[2] == driver)}
        found: dict[ScopeKey, tuple[Judgement, Observed]] = {}
        for key in sorted(keys):
            terms = terms_of(key)
            if any(terms[name] != value for name, value in wanted.items()):
                continue
            parts = seen.get(key, {})
            actual = to_float(add_up(part.amount for part in parts.values()))
            found[key] = Judgement(actual, self._foreseen(key, start, end), 0.0, 0.0, 0.0, odd=False), parts
        return found

    def _foreseen(self, key: ScopeKey, start: int, end: int) -> float:
        """Return what a scope should have cost; that of a window in the hour before is taken for this hour's."""
        state = self._state_of(key)
        expected = [] if state is None else foreseen.foresee(state, self.hour, self._rests)
        if not expected:
            return 0.0
        return sum(expected[at // WIDTH % AN_HOUR].amount for at in range(start, end, WIDTH))

    def _observe(self, lines: Iterable[HourLine]) -> dict[ScopeKey, Observed]:
        """Sum lines by the fast scopes that they are of."""
        found: dict[ScopeKey, Observed] = {}
        for line in lines:
            place = line.values, line.resource_type
            keys = self._where.get(place)
            if keys is None:
                driver = line.resource_type.partition(".")[0]
                every = ((name, narrow(name, line.values), driver) for name in PROJECTIONS)
                keys = self._where[place] = [key for key in every if key in self._expected]
            for key in keys:
                parts = found.setdefault(key, {})
                part = parts.get(line.resource_type)
                if part is None:
                    part = parts[line.resource_type] = Part()
                part.add(line)
        return found


def rests(settings: AnomalySettings, hour: int) -> tuple[bool, bool, bool]:
    """Return whether the hour before, an hour itself, and the one after it are of days of rest."""
    return settings.is_rest_day(hour - HOUR), settings.is_rest_day(hour), settings.is_rest_day(hour + HOUR)


def tell_fast(hourly: Hourly, quick: Quick, window: int, seen: Iterable[Seen], lines: Lines) -> None:
    """Carry open anomalies on by five minutes, and begin those that are news; `hourly` collects what changes."""
    keeper = hourly.keeper
    by_key = {each.key: each for each in seen}
    findings = {key: quick.finding(each, window, lines) for key, each in by_key.items()}
    starts = {key: each.start for key, each in by_key.items()}
    gains = {key: rounded(each.glance.actual - each.glance.expected) for key, each in by_key.items()}
    keeper.follow_fast(window, findings, gains)
    for story in tell(keeper.news(window - window % HOUR, findings.values())):
        start = starts[story.root.key]
        context = quick.context(story.root, start, window + WIDTH, lines(start, window + WIDTH), hourly.known())
        keeper.open(start, story, context, hourly.state, width=window + WIDTH - start)


def judge_fast_again(hourly: Hourly, quick: Quick, window: int, lines: Lines) -> None:
    """Judge five minutes again, as long as their hour is open: what was late may end an alarm, or begin one."""
    seen, changed = quick.again(window, lines(window, window + WIDTH))
    for episode in list(hourly.keeper.all()):
        if episode.closed or episode.hours or not episode.windows or episode.key not in changed:
            continue
        whole, ordinary = quick.missed(episode.key, episode.first, episode.until)
        now = replace(episode, pending=rounded(whole))
        hourly.keeper.put(now)
        if ordinary:
            hourly.keeper.close(now, window - window % HOUR, CORRECTED)
    tell_fast(hourly, quick, window, seen, lines)
