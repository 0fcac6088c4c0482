"""What becomes of anomalies from window to window: opened once, followed while they last, ended when they are over.

- An anomaly goes on while its scope is odd in the same direction; after `CALM` ordinary hours it is back to normal.
- What has lasted for three days is the new normal.
- Five minutes begin one and add to it; the hour that they are in counts them again, as part of itself.
- While it is open, and for a day after (a week, when the level had changed), findings that have spend in common with it
  belong to it, unless one is `LOUDER` times larger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from domain.anomaly.bounds import to_float
from domain.anomaly.episodes import Episode, identity, label
from domain.anomaly.fast_state import AN_HOUR, WIDTH
from domain.anomaly.figures import LEAK, explain, owner_of
from domain.anomaly.places import nothing
from domain.anomaly.stories import related
from domain.money import ZERO, add
from domain.sources import METERED
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from domain.anomaly.episodes import Figures
    from domain.anomaly.figures import Judged
    from domain.anomaly.hours import ScopeKey
    from domain.anomaly.places import Lines
    from domain.anomaly.state import SpendState
    from domain.anomaly.stories import Finding, Story

    StateOf = Callable[[ScopeKey], SpendState | None]

CORRECTED: Final = "corrected"
NEW_NORMAL: Final = "new-normal"
LEAK_SHOWN: Final = 7 * DAY
LOUDER: Final = 3.0
SIMILAR: Final = 3

_with = msgspec.structs.replace


class Pace(NamedTuple):
    """Windows of how many seconds; after how many calm ones it is over, after how many odd ones the level has changed.

    After `new_normal` seconds it is the new normal; `quiet` is for how long after its end more of the same belongs to
    it, `quiet_level` when the level had changed.
    """

    width: int
    calm: int
    lasting: int
    new_normal: int
    quiet: int
    quiet_level: int


HOURLY: Final = Pace(HOUR, 6, 6, 72 * HOUR, DAY, 7 * DAY)
DAILY: Final = Pace(DAY, 2, 3, 4 * DAY, 7 * DAY, 14 * DAY)


class Keeper:
    """The anomalies of a source, as they were and as they are now: `changed`, and the ids `opened` and `closed`."""

    def __init__(
        self, episodes: Mapping[str, Episode], lines: Lines = nothing, pace: Pace = HOURLY, source: str = METERED
    ) -> None:
        self._before = episodes
        self._lines = lines
        self._pace = pace
        self._source = source
        self.changed: dict[str, Episode] = {}
        self.opened: list[str] = []
        self.closed: list[str] = []

    def get(self, identifier: str) -> Episode | None:
        """Return an anomaly as it is now."""
        return self.changed.get(identifier) or self._before.get(identifier)

    def all(self) -> Iterable[Episode]:
        """Return all anomalies, as they are now."""
        return [each for each in {**self._before, **self.changed}.values() if each.source == self._source]

    def follow(self, hour: int, judged: Judged, findings: Mapping[ScopeKey, Finding], state: StateOf) -> None:
        """Carry the open ones on by an hour, or whatever the width of windows is."""
        open_ones = [each for each in self.all() if not each.closed and (each.last < hour or each.windows)]
        self.follow_some(open_ones, hour, judged, findings, state)

    def follow_some(
        self,
        episodes: Iterable[Episode],
        hour: int,
        judged: Judged,
        findings: Mapping[ScopeKey, Finding],
        state: StateOf,
    ) -> None:
        """Carry some of them on."""
        for episode in episodes:
            if episode.kind == LEAK:
                if hour - episode.first >= LEAK_SHOWN:
                    self.close(episode, hour, NEW_NORMAL)
                continue
            finding = findings.get(episode.key)
            if finding is not None and finding.kind != LEAK and finding.above == episode.above:
                self._go_on(episode, hour, finding, judged, state)
            elif episode.windows:
                self._odd_in_part(episode, hour)
            elif episode.calm + 1 >= self._pace.calm:
                self.close(episode, hour, "back-to-normal")
            else:
                self.put(_with(episode, calm=episode.calm + 1))

    def _odd_in_part(self, episode: Episode, hour: int) -> None:
        """Take what five minutes came to in an hour that is ordinary as a whole; most of an hour counts as one."""
        is_most = episode.windows > AN_HOUR // 2
        self.put(
            _with(
                episode, last=hour, hours=episode.hours + is_most, calm=0, windows=0, pending=ZERO,
                minutes=episode.minutes + (0 if is_most else episode.windows * WIDTH),
                so_far=add(episode.so_far, episode.pending),
            )
        )  # fmt: skip
        if hour - episode.first >= self._pace.new_normal:
            self.close(self.changed[episode.id], hour, NEW_NORMAL)

    def follow_fast(self, window: int, findings: Mapping[ScopeKey, Finding], gains: Mapping[ScopeKey, Decimal]) -> None:
        """Carry the open ones on by five minutes, of those that are odd in them; `gains` is what each came to."""
        for episode in [each for each in self.all() if not each.closed and each.until <= window]:
            finding = findings.get(episode.key)
            if finding is not None and episode.kind != LEAK and finding.above == episode.above:
                pending = add(episode.pending, gains[episode.key])
                end = window + WIDTH
                self.put(_with(episode, until=end, windows=episode.windows + 1, pending=pending))

    def _go_on(self, episode: Episode, hour: int, finding: Finding, judged: Judged, state: StateOf) -> None:
        width = self._pace.width
        figures = self.explain(finding, hour, state, judged, width, places=False)
        if is_worse := abs(figures.difference) > abs(episode.figures.difference):
            figures = self.explain(finding, hour, state, judged, width)
        hours = episode.hours + 1
        kind = "level-shift" if episode.kind in ("spike", "drop") and hours >= self._pace.lasting else episode.kind
        episode = _with(
            episode, kind=kind, last=hour, until=hour + width, hours=hours, calm=0, windows=0, pending=ZERO,
            so_far=add(episode.so_far, figures.difference),
            figures=figures if is_worse else episode.figures,
        )  # fmt: skip
        self.put(episode)
        if hour - episode.first >= self._pace.new_normal:
            self.close(episode, hour, NEW_NORMAL)

    def news(self, hour: int, findings: Iterable[Finding]) -> list[Finding]:
        """Return the findings that belong to none of what is open or was told lately."""
        near = [each for each in self.all() if not each.closed or hour - each.closed <= self._quiet(each)]
        return [each for each in findings if not any(_belongs(each, episode) for episode in near)]

    def explain(
        self, finding: Finding, start: int, state: StateOf, judged: Judged, width: int, *, places: bool = True
    ) -> Figures:
        """Return the figures of a finding; without `places` nothing is read for them."""
        return explain(finding, start, state(finding.key), judged, width, self._lines if places else nothing)

    def open(self, start: int, story: Story, judged: Judged, state: StateOf, width: int = 0) -> None:
        """Begin an anomaly with a window (0: one as wide as they usually are), unless it is known."""
        width = width or self._pace.width
        root, hour = story.root, start - start % self._pace.width
        identifier = identity(root.key, above=root.above, hour=hour, source=self._source)
        if self.get(identifier) is not None:
            return
        figures = self.explain(root, start, state, judged, width)
        projection, values, driver = root.key
        is_hour = width == self._pace.width
        episode = Episode(
            id=identifier, kind=root.kind, projection=projection, values=values, driver=driver, above=root.above,
            first=figures.hour, last=hour, figures=figures, so_far=figures.difference if is_hour else ZERO,
            hours=int(is_hour), until=start + width, windows=0 if is_hour else width // WIDTH,
            pending=ZERO if is_hour else figures.difference,
            members=tuple(name for name in story.members if name != label(root.key)),
            similar=self._similar(root), source=self._source,
        )  # fmt: skip
        self.put(_with(episode, owner=owner_of(figures, episode.scope)))
        self.opened.append(identifier)

    def close(self, episode: Episode, hour: int, reason: str) -> None:
        """End an anomaly with an hour."""
        self.put(_with(episode, closed=hour + self._pace.width, reason=reason))
        self.closed.append(episode.id)

    def show_again(self, episode: Episode, figures: Figures) -> None:
        """Replace the figures of the oddest window, whose money has changed."""
        so_far = add(episode.so_far, add(figures.difference, -episode.figures.difference))
        self.put(_with(episode, figures=figures, so_far=so_far))

    def put(self, episode: Episode) -> None:
        """Keep an anomaly as it is now."""
        self.changed[episode.id] = episode

    def _quiet(self, episode: Episode) -> int:
        return self._pace.quiet if episode.kind in ("spike", "drop") else self._pace.quiet_level

    def _similar(self, finding: Finding) -> tuple[str, ...]:
        same = [each for each in self.all() if each.key == finding.key and each.above == finding.above]
        return tuple(each.id for each in sorted(same, key=lambda each: -each.first)[:SIMILAR])


def _belongs(finding: Finding, episode: Episode) -> bool:
    if finding.above != episode.above or not related(finding.key, episode.key):
        return False
    if not episode.closed:
        return True
    return abs(finding.judged.difference) <= LOUDER * abs(to_float(episode.figures.difference))
