"""Which variant of a flag a budget has put in force, and until when.

In force is the variant of the highest `at` that is crossed. It is a lease. Found while its period is running,
it ends with the period, even if nobody spends anything any more. Found in a period that is over (late data, a
replay of history), it stays until a newer period of that budget takes over. A period whose lease has run out
raises nothing again: what arrives late for it does not throttle today's users.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, NamedTuple

import msgspec

from domain.money import quantity_to_text
from domain.rejection import Rejected

BUDGET_STATUS: Final = "costguard.budget.status"
DELETED: Final = "deleted"
_LEAST: Final = Decimal("0.000001")
_MOST: Final = Decimal(1000000)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class FlagRule(msgspec.Struct, frozen=True):
    """Put `variant` in force once the share `at` of the limit is spent."""

    key: str
    at: Decimal
    variant: str


class StatusPeriod(msgspec.Struct, frozen=True):
    """The period that a status is about, half open."""

    start: Instant
    end: Instant


class BudgetStatus(msgspec.Struct, frozen=True):
    """What flags depend on, of a budget's status."""

    budget_id: str
    budget_version: int
    scope: dict[str, str]
    period: StatusPeriod
    state: str
    flags: tuple[FlagRule, ...] = ()
    crossed: tuple[Decimal, ...] = ()


class BudgetStatusEvent(msgspec.Struct, frozen=True):
    """The CloudEvent around it."""

    type: str
    time: Instant
    data: BudgetStatus


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """One flag of a budget; `variant` and `at` are None while the default is in force."""

    key: str
    variants: tuple[str, ...]
    variant: str | None = None
    at: str | None = None


class BudgetFlags(msgspec.Struct, array_like=True, frozen=True):
    """The flags of one budget. `sequence` counts their changes for ever; instants are epoch seconds."""

    budget_id: str
    budget_version: int
    scope: dict[str, str]
    start: int
    end: int
    sequence: int = 0
    until: int | None = None
    released: bool = False
    entries: tuple[Entry, ...] = ()


class Change(NamedTuple):
    """A flag went from variant `previous` to `entry.variant`; `cause` is threshold, lease or deleted."""

    flags: BudgetFlags
    entry: Entry
    previous: str | None
    sequence: int
    cause: str


class Transition(NamedTuple):
    """The flags after an event or a moment, and what changed for somebody."""

    flags: BudgetFlags
    changes: tuple[Change, ...] = ()


_decode: Final = msgspec.json.Decoder(BudgetStatusEvent).decode


def parse_status(value: bytes) -> BudgetStatusEvent | Rejected:
    """Read one `budget-status` event."""
    try:
        event = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        return Rejected(f"not a budget status: {error}")
    if event.type != BUDGET_STATUS:
        return Rejected(f"type: {event.type!r} is not {BUDGET_STATUS}")
    shares = (*event.data.crossed, *(rule.at for rule in event.data.flags))
    if not all(share.is_finite() and _LEAST <= share <= _MOST for share in shares):
        return Rejected(f"a threshold is not a number between {_LEAST} and {_MOST}")
    return event


def apply(known: BudgetFlags | None, status: BudgetStatus, now: float) -> Transition:
    """Take over a status at wall-clock `now`; one that is older than what is known changes nothing."""
    start, end = int(status.period.start.timestamp()), int(status.period.end.timestamp())
    before = known or BudgetFlags(status.budget_id, status.budget_version, status.scope, start, end)
    if (status.budget_version, start) < (before.budget_version, before.start):
        return Transition(before)
    expired = expire(before, now)
    before = expired.flags
    if status.state == DELETED:
        gone = delete(before)
        return Transition(gone.flags, expired.changes + gone.changes)
    released = before.released and before.start == start
    entries = _entries(status, released=released)
    after = BudgetFlags(
        status.budget_id,
        status.budget_version,
        status.scope,
        start,
        end,
        sequence=before.sequence,
        until=_until(before, start, end, now) if any(entry.variant for entry in entries) else None,
        released=released,
        entries=entries,
    )
    moved = _moved(before, after, "threshold")
    return Transition(moved.flags, expired.changes + moved.changes)


def expire(flags: BudgetFlags, now: float) -> Transition:
    """Release every flag when the lease has run out."""
    if flags.until is None or now < flags.until:
        return Transition(flags)
    defaults = tuple(Entry(entry.key, entry.variants) for entry in flags.entries)
    after = msgspec.structs.replace(flags, until=None, released=True, entries=defaults)
    return _moved(flags, after, "lease")


def delete(flags: BudgetFlags) -> Transition:
    """Release every flag, because the budget is gone; only the sequence is remembered.

    A budget that is set again starts over with its versions, so the old one must not look newer.
    """
    moved = _moved(flags, msgspec.structs.replace(flags, until=None, entries=()), DELETED)
    nothing = BudgetFlags(flags.budget_id, 0, flags.scope, 0, 0, sequence=moved.flags.sequence)
    return Transition(nothing, moved.changes)


def _entries(status: BudgetStatus, *, released: bool) -> tuple[Entry, ...]:
    highest = None if released else max(status.crossed, default=None)
    rules: dict[str, list[FlagRule]] = {}
    for rule in sorted(status.flags, key=lambda rule: rule.at):
        rules.setdefault(rule.key, []).append(rule)
    return tuple(_entry(key, of_key, highest) for key, of_key in rules.items())


def _entry(key: str, rules: list[FlagRule], highest: Decimal | None) -> Entry:
    variants = tuple(dict.fromkeys(rule.variant for rule in rules))
    crossed = [rule for rule in rules if highest is not None and rule.at <= highest]
    return (
        Entry(key, variants, crossed[-1].variant, quantity_to_text(crossed[-1].at))
        if crossed
        else Entry(key, variants)
    )


def _until(before: BudgetFlags, start: int, end: int, now: float) -> int | None:
    leased_already = before.until is not None and before.start == start
    return end if leased_already or start <= now < end else None


def _moved(before: BudgetFlags, after: BudgetFlags, cause: str) -> Transition:
    """Compare two states, and number the differences in the order of flag keys."""
    was = {entry.key: entry for entry in before.entries}
    new = {entry.key: entry for entry in after.entries}
    moved = []
    for key in sorted(was.keys() | new.keys()):
        previous = was[key].variant if key in was else None
        entry = new.get(key) or Entry(key, was[key].variants)
        if entry.variant != previous:
            moved.append((entry, previous))
    flags = msgspec.structs.replace(after, sequence=before.sequence + len(moved))
    changes = (
        Change(flags, entry, previous, before.sequence + number, cause)
        for number, (entry, previous) in enumerate(moved, start=1)
    )
    return Transition(flags, tuple(changes))
