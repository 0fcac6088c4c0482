"""An hour of everybody's spend: judged, learnt, and told as few stories.

`Hourly.hour` takes the hours in order, each once; a scope that has learnt an hour already is left as it is, so an hour
that was interrupted can be done again. What is changed is collected in `states` and `keeper`; the agent sends
and writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from domain.anomaly import choosing, leak, spend, unit_cost
from domain.anomaly.bounds import to_float
from domain.anomaly.episodes import terms_of
from domain.anomaly.figures import LEAK
from domain.anomaly.hours import observe
from domain.anomaly.keeping import NEW_NORMAL, Keeper
from domain.anomaly.places import nothing
from domain.anomaly.spend import Judgement
from domain.anomaly.stories import Finding, tell
from domain.money import add_up
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.choosing import Candidate
    from domain.anomaly.episodes import Episode
    from domain.anomaly.hours import HourLine, Observed, ScopeKey
    from domain.anomaly.places import Lines
    from domain.anomaly.state import SpendState

DORMANT: Final = 1e-6
STEP: Final = 200


class States(Protocol):
    """The models as they were written last."""

    def get(self, key: ScopeKey) -> SpendState | None:
        """Return the models of a scope and driver."""

    def known(self) -> Iterable[ScopeKey]:
        """Return every scope and driver that was ever seen, in a stable order."""


class MemoryStates:
    """States of a run that keeps nothing: a backtest, a benchmark."""

    def __init__(self) -> None:
        self.rows: dict[ScopeKey, SpendState] = {}

    def get(self, key: ScopeKey) -> SpendState | None:
        """Return the models of a scope and driver."""
        return self.rows.get(key)

    def known(self) -> list[ScopeKey]:
        """Return every scope and driver, as they came."""
        return list(self.rows)


class Hourly:
    """Detection over hours, on states and episodes as they were."""

    def __init__(
        self, states: States, episodes: Mapping[str, Episode], settings: AnomalySettings, lines: Lines = nothing
    ) -> None:
        self._read = states
        self._settings = settings
        self._minimum = float(settings.minimum)
        self.states: dict[ScopeKey, SpendState] = {}
        self.candidates: list[Candidate] = []
        self.keeper = Keeper(episodes, lines)
        self._accepted: set[ScopeKey] = set()

    def state(self, key: ScopeKey) -> SpendState | None:
        """Return the models of a scope, as changed."""
        return self.states.get(key) or self._read.get(key)

    def known(self) -> Iterable[ScopeKey]:
        """Return every scope and driver that was ever seen."""
        return self._read.known()

    def hour(self, hour: int, lines: Iterable[HourLine], version: int) -> Iterator[None]:
        """Judge and learn one hour, in steps of some scopes; `version` is that of the rows."""
        seen = observe(lines)
        rest = self._settings.is_rest_day(hour)
        judged: dict[ScopeKey, tuple[Judgement, Observed]] = {}
        findings: list[Finding] = []
        for count, key in enumerate(self._due(seen)):
            if count % STEP == 0:
                yield
            parts = seen.get(key, {})
            found = self._scope(key, parts, hour, version, rest=rest)
            if found is not None:
                judged[key] = found.judged, parts
                if found.kind:
                    findings.append(found)
        if hour % DAY == DAY - HOUR and self._settings.fast:
            self._find_candidates()
        self.keeper.follow(hour, judged, {each.key: each for each in findings}, self.state)
        self._accept(hour)
        for story in tell(self.keeper.news(hour, findings)):
            self.keeper.open(hour, story, judged, self.state)
        for key in {each.key for each in findings}:
            self.states[key].told = hour
        self.draw()

    def _accept(self, hour: int) -> None:
        """Let what ended as the new normal be that, and end what the models have accepted."""
        for episode in self.keeper.all():
            if episode.kind == LEAK:
                continue
            if not episode.closed and episode.key in self._accepted:
                self.keeper.close(episode, hour, NEW_NORMAL)
            elif episode.closed == hour + HOUR and episode.reason == NEW_NORMAL:
                state = self.state(episode.key)
                if state is not None and state.odd:
                    spend.rebase(state)
                    self.states[episode.key] = state

    def _find_candidates(self) -> None:
        """Note at the end of a day which scopes could be fast on the next."""
        settings = self._settings
        found = (
            choosing.candidate(key, each, settings.fast_events, self._minimum) for key, each in self.states.items()
        )
        self.candidates = [each for each in found if each is not None]

    def draw(self) -> None:
        """Keep with each anomaly that was changed how its spend came; one that only five minutes saw shows those."""
        for identifier, episode in self.keeper.changed.items():
            state = self.state(episode.key)
            if state is not None and (episode.hours or not episode.series):
                self.keeper.changed[identifier] = msgspec.structs.replace(episode, series=tuple(state.series()))

    def _due(self, seen: Mapping[ScopeKey, Observed]) -> Iterator[ScopeKey]:
        known = set()
        for key in self._read.known():
            known.add(key)
            yield key
        # The widest first: narrower ones that are new begin with its rhythm.
        yield from (key for key in seen if key not in known)

    def _scope(self, key: ScopeKey, parts: Observed, hour: int, version: int, *, rest: bool) -> Finding | None:
        amount = to_float(add_up(part.amount for part in parts.values()))
        state = self.state(key)
        if state is None:
            state = spend.begin(version, hour, amount, self.state(("all", (), key[2])))
        if state.hour >= hour or (not amount and abs(state.fast) < DORMANT and abs(state.slow) < DORMANT):
            return None
        self.states[key] = state
        state.version = version
        if self._settings.planned and self._settings.is_planned(terms_of(key), hour):
            state.remember(hour, amount, amount, 0.0)
            state.hour = hour
            return None
        judged = spend.judge(state, hour, amount, rest=rest, minimum=self._minimum)
        price = unit_cost.index(state, parts, judged, self._minimum)
        if not judged.odd or state.odd >= spend.ACCEPTED:
            unit_cost.learn(state, parts, price)
        spend.learn(state, hour, judged, rest=rest)
        if state.odd == spend.ACCEPTED:
            spend.rebase(state)
            self._accepted.add(key)
            return Finding(key, "", judged, parts)
        return self._finding(key, state, judged, parts, price)

    def _finding(
        self, key: ScopeKey, state: SpendState, judged: Judgement, parts: Observed, price: unit_cost.PriceIndex | None
    ) -> Finding:
        kind = ""
        if price is not None and price.risen and state.rises >= unit_cost.HOURS:
            kind = "unit-cost"
            judged = judged._replace(expected=min(price.volume_cost, judged.actual))
        elif judged.odd:
            kind = "stopped" if judged.actual == 0 else "spike" if judged.difference > 0 else "drop"
        elif state.hour % DAY == DAY - HOUR:
            found = leak.find(state, self._minimum)
            if found is not None:
                kind = "leak"
                judged = Judgement(
                    found.now / 24, found.before / 24, judged.deviation, judged.z, judged.limit, odd=True
                )
        return Finding(key, kind, judged, parts)
