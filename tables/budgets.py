"""`budgets`: every budget and what it has spent. Partitioned by scope; written by `agents.budgets` alone.

| key | row |
|---|---|
| `b` + budget id | `BudgetRow`; kept after deletion, so that versions go on counting |
| `p` + budget id + period start (8 bytes, big endian) | `PeriodRow`; kept `RETENTION_DAYS` after the period |
| `d` + budget id + step start | `StepRow`; what a forecast looks back on, kept 120 days |
| `s` + budget id | `StandingRow` |

Versions: of a budget the offset of its command, of a period the offset of its newest spend record, of a
standing the wall clock. `Draft` shows the rows as a batch changes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from domain.budgets import NEW, Budget, Foreseen, Slot, Standing, State, spent
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

NAME: Final = "budgets"
RETENTION_DAYS: Final = 400
_BUDGET: Final = b"b"
_PERIOD: Final = b"p"
_STEP: Final = b"d"
STEP_RETENTION_DAYS: Final = 120
_STANDING: Final = b"s"
_START_BYTES: Final = 8


class BudgetRow(msgspec.Struct, frozen=True, array_like=True):
    """A budget; `since` is the first of its versions that sums the same cost over the same periods.

    `configured` is the digest of what a configuration file said of it last, empty when none did.
    """

    version: int
    deleted: bool
    since: int
    budget: Budget
    configured: str = ""


class PeriodRow(msgspec.Struct, frozen=True, array_like=True):
    """What is spent in a period, and which thresholds that version of the budget has crossed, or will (`warned`).

    `at` is the newest event time in it (epoch seconds), None before any; `looked` is when it was looked ahead last, and
    `foreseen` what was seen.
    """

    version: int
    budget_version: int
    at: int | None = None
    slots: tuple[Slot, ...] = ()
    state: State = NEW
    foreseen: Foreseen | None = None
    warned: State = NEW
    looked: int = 0

    @property
    def spent(self) -> Decimal:
        """The sum of the slots."""
        return spent(self.slots)

    @property
    def unpriced(self) -> int:
        """How many events have no price, and are not in what is spent."""
        return sum(slot.unpriced for slot in self.slots)


class StepRow(msgspec.Struct, frozen=True, array_like=True):
    """What is spent in a step of a period; `version` is the offset of its newest spend record."""

    version: int
    slots: tuple[Slot, ...] = ()


class StandingRow(msgspec.Struct, frozen=True, array_like=True):
    """The period to look at."""

    version: int
    standing: Standing


class Reader(Protocol):
    """The rows of one partition."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row or None."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Iterate rows in key order."""


_encode = msgspec.msgpack.Encoder().encode
_budget = msgspec.msgpack.Decoder(BudgetRow)
_period = msgspec.msgpack.Decoder(PeriodRow)
_step = msgspec.msgpack.Decoder(StepRow)
_standing = msgspec.msgpack.Decoder(StandingRow)


def _period_key(budget_id: str, start: int) -> bytes:
    return _PERIOD + budget_id.encode() + start.to_bytes(_START_BYTES, "big", signed=True)


def _step_key(budget_id: str, start: int) -> bytes:
    return _STEP + budget_id.encode() + start.to_bytes(_START_BYTES, "big", signed=True)


def _start_of(key: bytes) -> int:
    return int.from_bytes(key[-_START_BYTES:], "big", signed=True)


class Draft:
    """Rows as they are and as they will be; nothing is written before `changes` are committed."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows: dict[bytes, Any] = {}
        self._changed: set[bytes] = set()

    def budget(self, budget_id: str) -> BudgetRow | None:
        """Return a budget, deleted ones too."""
        row: BudgetRow | None = self._get(_BUDGET + budget_id.encode(), _budget)
        return row

    def period(self, budget_id: str, start: int) -> PeriodRow | None:
        """Return the period that starts then, if it has spend."""
        row: PeriodRow | None = self._get(_period_key(budget_id, start), _period)
        return row

    def step(self, budget_id: str, start: int) -> StepRow | None:
        """Return the step that starts then, if it has spend."""
        row: StepRow | None = self._get(_step_key(budget_id, start), _step)
        return row

    def steps(self, budget_id: str) -> dict[int, Decimal]:
        """Return what was spent, by the start of each step that is kept."""
        prefix = _STEP + budget_id.encode()
        stored = [key for key, _ in self._reader.scan(prefix)]
        keys = {*stored, *(key for key in self._rows if key.startswith(prefix))}
        rows = {_start_of(key): self._get(key, _step) for key in keys}
        return {start: spent(row.slots) for start, row in rows.items() if row is not None}

    def standing(self, budget_id: str) -> Standing | None:
        """Return the period to look at."""
        row: StandingRow | None = self._get(_STANDING + budget_id.encode(), _standing)
        return row.standing if row is not None else None

    def put_budget(self, row: BudgetRow) -> None:
        """Change a budget."""
        self._put(_BUDGET + row.budget.id.encode(), row)

    def put_period(self, budget_id: str, start: int, row: PeriodRow) -> None:
        """Change a period."""
        self._put(_period_key(budget_id, start), row)

    def put_step(self, budget_id: str, start: int, row: StepRow) -> None:
        """Change a step."""
        self._put(_step_key(budget_id, start), row)

    def put_standing(self, budget_id: str, standing: Standing, now: int) -> None:
        """Change the period to look at, if it is another one."""
        if standing != self.standing(budget_id):
            self._put(_STANDING + budget_id.encode(), StandingRow(now, standing))

    def forget_spend(self, budget_id: str) -> None:
        """Delete the periods, the steps and the standing of a budget."""
        forgotten = {_STANDING + budget_id.encode()}
        for prefix in (_PERIOD + budget_id.encode(), _STEP + budget_id.encode()):
            forgotten.update(key for key, _ in self._reader.scan(prefix))
            forgotten.update(key for key in self._rows if key.startswith(prefix))
        for key in forgotten:
            self._put(key, None)

    def budgets(self) -> list[BudgetRow]:
        """Return all stored budgets, deleted ones too."""
        return [_budget.decode(row) for _, row in self._reader.scan(_BUDGET)]

    def changes(self) -> dict[bytes, bytes | None]:
        """Return the rows to commit."""
        return {key: None if self._rows[key] is None else _encode(self._rows[key]) for key in sorted(self._changed)}

    def _get(self, key: bytes, decoder: msgspec.msgpack.Decoder[Any]) -> Any:
        if key not in self._rows:
            stored = self._reader.get(key)
            self._rows[key] = None if stored is None else decoder.decode(stored)
        return self._rows[key]

    def _put(self, key: bytes, row: Any) -> None:
        self._rows[key] = row
        self._changed.add(key)


def expired(reader: Reader, now: int) -> Iterator[bytes]:
    """Yield the keys of the periods and steps that are kept no longer (`now` in epoch seconds)."""
    for prefix, days in ((_PERIOD, RETENTION_DAYS), (_STEP, STEP_RETENTION_DAYS)):
        yield from (key for key, _ in reader.scan(prefix) if _start_of(key) < now - days * DAY)
