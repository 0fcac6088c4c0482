"""Days of bills, as detection keeps and judges them: those before which a provider's bills are complete, in order.

A day is kept as it came, by statement, for ten weeks of the bill's own time. Whatever closes an edition sends its days
again; a day that is as it was is passed over.
"""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec.structs import replace
from xxhash import xxh3_64_intdigest

from agents import metrics
from domain.anomaly.billed import Bills
from domain.anomaly.bills import decode_bill
from domain.anomaly.daily import encode_daily
from domain.anomaly.episodes import encode_episode
from domain.billing.coverage import by_provider
from domain.sources import BILLED, parse
from tables import detectors as table
from tables.tenure import chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agents.anomaly_told import Telling
    from agents.ports import Tenure
    from domain.anomaly.bills import BillLine
    from domain.anomaly.calendar import AnomalySettings
    from domain.anomaly.daily import DailyState
    from domain.anomaly.episodes import Episode
    from domain.anomaly.feedback import Feedback
    from domain.anomaly.hours import ScopeKey


class StoredDays:
    """Implements `domain.anomaly.billed.DailyStates` for a provider over the table."""

    def __init__(self, rows: Tenure, provider: str) -> None:
        self._rows = rows
        self._provider = provider

    def get(self, key: ScopeKey) -> DailyState | None:
        """Return the models of a scope, or an account and service."""
        row = self._rows.get(table.daily_key(self._provider, key))
        return None if row is None else table.decode_daily(row)

    def known(self) -> Iterator[ScopeKey]:
        """Return everything that was ever seen, in key order."""
        for key, _ in self._rows.scan(table.daily_prefix(self._provider)):
            yield table.split_daily_key(key)


class BilledDays:
    """The days of bills that are kept."""

    def __init__(self, rows: Tenure, settings: AnomalySettings) -> None:
        self._rows = rows
        self._settings = settings
        self._judged: dict[tuple[str, int], int] = {}

    def take(self, value: bytes, offset: int, rows: dict[bytes, bytes | None]) -> set[str]:
        """Keep a part of a day; return the provider when it was the last of a statement."""
        part = decode_bill(value)
        if not part.parts:
            rows[table.until_key(part.provider, part.account)] = table.encode(table.Progress(offset, part.until))
            return {part.provider}
        rows[table.bill_key(part)] = value
        if part.part == part.parts - 1:
            statement = table.bill_prefix(part.provider, part.day, part.statement)
            after = table.bill_key(replace(part, part=part.parts))
            rows.update(dict.fromkeys(key for key, _ in self._rows.scan(statement, after)))
        return set()

    def until(self) -> dict[str, int]:
        """Return by provider before which instant its bills are complete."""
        found: dict[str, dict[str, int]] = {}
        for key, row in self._rows.scan(table.UNTIL):
            provider, account = table.split_until_key(key)
            found.setdefault(provider, {})[account] = table.decode_progress(row).closed
        return by_provider([found])

    async def follow(self, provider: str, told: Telling, version: int) -> None:
        """Judge what is complete of a provider's bills, and what has changed; tell, then write."""
        started = time.perf_counter()
        bills = await self._judge(provider, told.episodes, version)
        await told.send(bills)
        for chunk in chunks(self._changed(provider, bills)):
            await self._rows.commit(chunk)
        told.keep(bills)
        await self._forget(provider)
        metrics.STAGE_SECONDS.labels("anomaly-bills").inc(time.perf_counter() - started)

    async def hear(self, said: Feedback, told: Telling, offset: int) -> bool:
        """Carry out feedback; return whether it was about a bill."""
        episode = told.episodes.get(said.feedback)
        if episode is None or (origin := parse(episode.source)).kind != BILLED:
            return False
        if episode.heard < offset:
            bills = self._bills(origin.provider, told.episodes, offset)
            bills.hear(episode, said.verdict, offset)
            await told.send(bills)
            for chunk in chunks(self._changed(origin.provider, bills)):
                await self._rows.commit(chunk)
            told.keep(bills)
        return True

    def _bills(self, provider: str, episodes: Mapping[str, Episode], version: int) -> Bills:
        @lru_cache(maxsize=8)
        def lines(day: int) -> list[BillLine]:
            rows = self._rows.scan(table.bill_prefix(provider, day))
            return [line for _, row in rows for line in decode_bill(row).lines]

        return Bills(provider, StoredDays(self._rows, provider), episodes, self._settings, lines, version)

    async def _judge(self, provider: str, episodes: Mapping[str, Episode], version: int) -> Bills:
        """Judge the days of a provider that are complete, and those that have changed."""
        complete = self.until().get(provider, 0)
        bills = self._bills(provider, episodes, version)
        for day in self._days(provider):
            digest = self._digest(provider, day)
            if day < complete and self._judged.get((provider, day)) != digest:
                for _ in bills.day(day):
                    await asyncio.sleep(0)
                self._judged[provider, day] = digest
        for identifier, episode in bills.changed.items():
            state = bills.state(episode.key)
            if state is not None:
                bills.changed[identifier] = replace(episode, series=tuple(state.series()))
        return bills

    def _changed(self, provider: str, bills: Bills) -> dict[bytes, bytes | None]:
        """Return the rows of what has changed, anomalies first: days that are judged again change none of them."""
        rows: dict[bytes, bytes | None] = {
            table.episode_key(each): encode_episode(one) for each, one in bills.changed.items()
        }
        return rows | {table.daily_key(provider, key): encode_daily(state) for key, state in bills.states.items()}

    async def _forget(self, provider: str) -> None:
        """Delete days that are not looked back on any more."""
        days = self._days(provider)
        old = [day for day in days if day < days[-1] - table.BILLS_KEPT]
        for day in old:
            await self._rows.delete([key for key, _ in self._rows.scan(table.bill_prefix(provider, day))])

    def _days(self, provider: str) -> list[int]:
        return sorted({table.bill_day(key) for key, _ in self._rows.scan(table.bill_prefix(provider))})

    def _digest(self, provider: str, day: int) -> int:
        parts = b"".join(row for _, row in self._rows.scan(table.bill_prefix(provider, day)))
        return xxh3_64_intdigest(parts)
