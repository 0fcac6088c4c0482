"""Days of a provider's bills: judged in order once they are complete, and again when they are restated.

Every account and service tells its own story. A scope tells one only of what is left when that which its accounts and
services have told of is taken off. What is less than a thousandth of the bill is nobody's news. A new account's history
is learnt from its own first day on, and is no rise of those whose days it joins.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Final, Protocol

from msgspec.structs import replace

from domain.anomaly import daily, feedback
from domain.anomaly.bill_figures import Restated, bill_figures, drill_bill, is_account
from domain.anomaly.bills import Billed, keys_of, observe_bill
from domain.anomaly.bounds import to_float
from domain.anomaly.daily import DailyState
from domain.anomaly.decomposition import rounded
from domain.anomaly.episodes import label, terms_of
from domain.anomaly.keeping import CORRECTED, DAILY, Keeper
from domain.anomaly.spend import Judgement
from domain.anomaly.stories import Finding, Story, tell
from domain.money import ZERO, add, add_up
from domain.sources import BILLED
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from decimal import Decimal

    from domain.anomaly.bills import BillLine
    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.episodes import Episode, Figures
    from domain.anomaly.figures import Judged
    from domain.anomaly.hours import ScopeKey
    from domain.anomaly.keeping import StateOf

    Lines = Callable[[int], list[BillLine]]

_THOUSANDTH: Final = 0.001
_DAYS_BEFORE: Final = 3
_STEP: Final = 100
_NOTHING: Final = Billed({}, {})


class DailyStates(Protocol):
    """The models of a provider as they were written last."""

    def get(self, key: ScopeKey) -> DailyState | None:
        """Return the models of a scope, or an account and service."""

    def known(self) -> Iterable[ScopeKey]:
        """Return everything that was ever seen, in a stable order."""


class Bills(Keeper):
    """Detection over the days of a provider's bills; what is changed is collected in `states` and by the keeper."""

    def __init__(
        self,
        provider: str,
        states: DailyStates,
        episodes: Mapping[str, Episode],
        settings: AnomalySettings,
        lines: Lines,
        version: int = 0,
    ) -> None:
        super().__init__(episodes, pace=DAILY, source=f"{BILLED}/{provider}")
        self.states: dict[ScopeKey, DailyState] = {}
        self._read = states
        self._settings = settings
        self._day_lines = lines
        self._version = version
        self._known = sorted(states.known())
        self._accounts = {key[1][0] for key in self._known if is_account(key)}
        self._seen: dict[ScopeKey, Billed] = {}
        self._restated: dict[ScopeKey, Restated] = {}

    def state(self, key: ScopeKey) -> DailyState | None:
        """Return the models of a scope, as changed."""
        return self.states.get(key) or self._read.get(key)

    def day(self, day: int) -> Iterator[None]:
        """Judge and learn one day, or judge again what has changed of it, in steps."""
        lines = self._day_lines(day)
        seen = self._seen = observe_bill(lines)
        joined = observe_bill(line for line in lines if line.account not in self._accounts)
        minimum = self._minimum(lines)
        rest = self._settings.is_rest_day(day)
        judged: dict[ScopeKey, Finding] = {}
        again: dict[ScopeKey, Finding] = {}
        self._restated = {}
        for count, key in enumerate(sorted({*self._known, *seen, *self.states})):
            if count % _STEP == 0:
                yield
            state = self.state(key) or DailyState(self._version, day - DAY)
            billed = seen.get(key, _NOTHING)
            if state.day < day:
                judged[key] = self._judge(key, state, day, billed, minimum, rest=rest)
            else:
                found = self._judge_again(key, state, day, billed, _amount(joined.get(key, _NOTHING)), minimum)
                if found is not None:
                    again[key] = found
        self._split_restated(again)
        self._tell(day, judged, lines)
        self._correct(day, again)
        self._open(day, again, lines)

    def hear(self, episode: Episode, verdict: str, offset: int) -> None:
        """Carry out what people say of an anomaly."""
        episode = replace(episode, verdict=verdict, heard=offset)
        self.put(episode)
        state = self.state(episode.key)
        if state is not None:
            state.tolerance = feedback.tolerance(state.tolerance, verdict)
            if verdict == "planned" and not episode.closed:
                daily.accept(state)
            self.states[episode.key] = state
        if verdict != "yes" and not episode.closed:
            self.close(episode, episode.last, "planned" if verdict == "planned" else "dismissed")

    def explain(
        self, finding: Finding, start: int, state: StateOf, judged: Judged, width: int, *, places: bool = True
    ) -> Figures:
        """Return the figures of an odd day."""
        del state, judged, width
        drilled: Iterable[tuple[str, str, Decimal]] = ()
        if places:
            before = [line for back in range(1, _DAYS_BEFORE + 1) for line in self._day_lines(start - back * DAY)]
            drilled = drill_bill(finding, self._day_lines(start), before)
        known = self.states[finding.key]
        restated = self._restated.get(finding.key, Restated())
        return bill_figures(finding, start, self._seen.get(finding.key, _NOTHING), known, restated, drilled)

    def _minimum(self, lines: Iterable[BillLine]) -> float:
        whole = abs(to_float(add_up(line.amount for line in lines)))
        return max(to_float(self._settings.minimum), _THOUSANDTH * whole)

    def _judge(
        self, key: ScopeKey, state: DailyState, day: int, billed: Billed, minimum: float, *, rest: bool
    ) -> Finding:
        self.states[key] = state
        state.version = self._version
        found = daily.judge(state, day, _amount(billed), minimum, rest=rest)
        index, risen = daily.price_index(state, billed.parts, found, minimum)
        kind = ""
        if self._settings.is_planned(terms_of(key), day):
            found = found._replace(odd=False)
        elif found.odd:
            above = found.difference > 0
            kind = "unit-cost" if above and risen else "spike" if above else "drop" if found.actual else "stopped"
        elif risen:
            kind = "unit-cost"
            found = found._replace(expected=found.actual / index)
        daily.learn(state, day, billed, found, index, odd=bool(kind))
        if state.odd == daily.ACCEPTED:
            daily.accept(state)
        return Finding(key, kind, found, billed.parts)

    def _judge_again(
        self, key: ScopeKey, state: DailyState, day: int, billed: Billed, joined: float, minimum: float
    ) -> Finding | None:
        """Judge a day by what is told of it now, by what was expected at the time; None when nothing has changed."""
        actual, expected, deviation, taught = state.at(day)
        now = _amount(billed)
        if math.isnan(actual) or math.isclose(now, actual, rel_tol=1e-6, abs_tol=1e-9):
            return None
        self.states[key] = state
        moved = now - joined - actual
        expected, before = expected + joined, actual + joined
        state.remember(day, now, expected, deviation, now if taught == actual else taught + joined)
        if abs(moved) <= 1e-6 * abs(actual):
            return None
        self._restated[key] = Restated(rounded(moved))
        z = (now - expected) / deviation if deviation else 0.0
        worse = abs(now - expected) > abs(before - expected)
        limit = daily.SIGMA * state.tolerance
        odd = worse and abs(z) > limit and abs(now - expected) > daily.PERCENT * abs(expected)
        kind = ("spike" if now > expected else "drop") if odd and abs(now - expected) >= minimum else ""
        return Finding(key, kind, Judgement(now, expected, deviation, z, limit, odd=bool(kind)), billed.parts)

    def _split_restated(self, again: Mapping[ScopeKey, Finding]) -> None:
        """Tell apart what a restatement changed of everything, and what it moved from one scope to another."""
        for key in again:
            whole = self._restated.get(("all", (), key[2]), Restated()).correction
            moved = self._restated[key].correction
            if is_account(key) or key[0] == "all":
                continue
            everything = _amount(self._seen.get(("all", (), key[2]), _NOTHING))
            share = _amount(self._seen.get(key, _NOTHING)) / everything if everything else 0.0
            own = rounded(to_float(whole) * share)
            self._restated[key] = Restated(own, add(moved, -own))

    def _tell(self, day: int, judged: Mapping[ScopeKey, Finding], lines: Iterable[BillLine]) -> None:
        findings = {key: each for key, each in judged.items() if each.kind}
        for episode in [each for each in self.all() if not each.closed and each.last < day]:
            if episode.key in judged:
                self._follow_one(day, episode, findings)
        self._open(day, judged, lines)

    def _follow_one(self, day: int, episode: Episode, findings: Mapping[ScopeKey, Finding]) -> None:
        self.follow_some([episode], day, {}, findings, self._nobody)

    def _open(self, day: int, judged: Mapping[ScopeKey, Finding], lines: Iterable[BillLine]) -> None:
        """Begin anomalies: of each account and service, and of what is left of scopes."""
        every = [each for each in judged.values() if each.kind]
        accounts = [each for each in every if is_account(each.key)]
        # What was told of lately explains its scopes, even where it is ordinary by now.
        near = {each.key for each in self.all() if not each.closed or day - each.closed <= self._quiet(each)}
        lately = [each for key, each in judged.items() if is_account(key) and key in near and not each.kind]
        touched, explained = _explained([*accounts, *lately], lines)
        left = [each for each in every if not is_account(each.key) and _is_left(each, explained[each.key])]
        stories = [Story(each, tuple(sorted(touched[each.key]))) for each in self.news(day, accounts)]
        for story in [*stories, *tell(self.news(day, left))]:
            self.open(day, story, {}, self._nobody)

    def _correct(self, day: int, again: Mapping[ScopeKey, Finding]) -> None:
        """End an anomaly that a restatement explains, or say that one that is over was none; else show its day."""
        for episode in list(self.all()):
            found = again.get(episode.key)
            if found is None or not episode.first <= day <= episode.last:
                continue
            away = found.judged.difference if episode.above else -found.judged.difference
            ordinary = away <= daily.PERCENT * abs(found.judged.expected) or abs(found.judged.z) <= daily.SIGMA
            if ordinary and episode.hours == 1 and episode.closed:
                # Its end was told; there is no second one.
                self.put(replace(episode, reason=CORRECTED))
            elif ordinary and episode.hours == 1:
                self.close(episode, day, CORRECTED)
            elif day == episode.figures.hour:
                self.show_again(episode, self.explain(found, day, self._nobody, {}, DAY))

    @staticmethod
    def _nobody(_: ScopeKey) -> None:
        """Return no hourly models."""


def _amount(billed: Billed) -> float:
    return to_float(add_up(part.amount for part in billed.parts.values()) if billed.parts else ZERO)


def _explained(
    accounts: Iterable[Finding], lines: Iterable[BillLine]
) -> tuple[defaultdict[ScopeKey, set[str]], defaultdict[ScopeKey, float]]:
    """Return which scopes an account's finding touches, and by how much findings move each scope."""
    by_key = {each.key: each for each in accounts}
    shares: defaultdict[tuple[ScopeKey, ScopeKey], float] = defaultdict(float)
    for line in lines:
        first, *scopes = keys_of(line, line.resource_type.partition(".")[0])
        if first in by_key:
            for scope in scopes:
                shares[first, scope] += to_float(line.amount)
    touched: defaultdict[ScopeKey, set[str]] = defaultdict(set)
    explained: defaultdict[ScopeKey, float] = defaultdict(float)
    for (account, scope), amount in shares.items():
        found = by_key[account].judged
        if found.actual:
            explained[scope] += found.difference * amount / found.actual
            touched[account].add(label(scope))
    for each in by_key.values():
        if not each.judged.actual:
            # Nothing is left that would say of which scopes it was; everything it was part of.
            explained["all", (), each.key[2]] += each.judged.difference
    return touched, explained


def _is_left(finding: Finding, explained: float) -> bool:
    """Tell whether a scope is odd even without what its accounts and services tell."""
    judged = finding.judged
    away = judged.difference - explained
    if away * judged.difference <= 0 or not judged.deviation:
        return False
    z = away / judged.deviation
    return abs(z) >= min(judged.limit, abs(judged.z)) and abs(away) > daily.PERCENT * abs(judged.expected)
