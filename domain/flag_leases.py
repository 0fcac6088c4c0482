"""What changes for whom when a budget's status changes, or when time passes.

In force is the variant of the highest `at` that is crossed, before that of the highest that is foreseen. It is a
lease: found while its period is not over, it ends with the period by the clock, even if nobody spends anything any
more. Found in a period that is over (a replay of history), it stays until the budget says something else. A period
whose lease has run out raises nothing again: what arrives late for it does not throttle today's users.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import msgspec

from domain.budgets.kinds import ACTUAL, FORECAST
from domain.budgets.payloads import STATUS
from domain.flags import FlagState
from domain.money import quantity_to_text
from domain.rejection import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

DELETED: Final = "deleted"
_FIRST: Final = 0
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
_NONE: Final = Decimal(0)
_LEAST: Final = Decimal("0.000001")
_MOST: Final = Decimal(1000000)

Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class StatusFlag(msgspec.Struct, frozen=True):
    """Put `variant` in force once the share `at` of the limit is spent, or foreseen to be (`on`)."""

    key: str
    at: Decimal
    variant: str
    on: str = ACTUAL


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
    flags: tuple[StatusFlag, ...] = ()
    crossed: tuple[Decimal, ...] = ()
    foreseen: tuple[Decimal, ...] = ()


class BudgetStatusEvent(msgspec.Struct, frozen=True):
    """The CloudEvent around it."""

    type: str
    time: Instant
    data: BudgetStatus


class BudgetFlags(msgspec.Struct, array_like=True, frozen=True):
    """The flags of one budget as last told, by key; `sequence` counts their changes for ever.

    `start` and `end` (epoch seconds) are those of the period that decided; `released` once its lease ran out.
    """

    budget_id: str
    budget_version: int
    scope: dict[str, str]
    start: int
    end: int
    sequence: int = 0
    released: bool = False
    states: tuple[FlagState, ...] = ()

    @property
    def until(self) -> int | None:
        """When the lease runs out, epoch seconds; None when nothing is in force by lease."""
        return next((int(state.until.timestamp()) for state in self.states if state.until is not None), None)


class Change(NamedTuple):
    """A flag went from variant `previous` to `state.variant`; `cause` is threshold, lease or deleted."""

    flags: BudgetFlags
    state: FlagState
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
    if event.type != STATUS:
        return Rejected(f"type: {event.type!r} is not {STATUS}")
    instants = (event.time, event.data.period.start, event.data.period.end)
    if not all(_FIRST <= instant.timestamp() < _LAST for instant in instants):
        return Rejected("time, or the period: an instant is not between 1970 and 2200")
    shares = (*event.data.crossed, *event.data.foreseen, *(rule.at for rule in event.data.flags))
    if not all(share.is_finite() and _LEAST <= share <= _MOST for share in shares):
        return Rejected(f"a threshold is not a number between {_LEAST} and {_MOST}")
    return event


def apply(known: BudgetFlags | None, status: BudgetStatus, now: float) -> Transition:
    """Take over the next status of a budget at wall-clock `now` (epoch seconds)."""
    period = status.period
    start, end = int(period.start.timestamp()), int(period.end.timestamp())
    same = known if known is not None and known.start == start else None
    leased = same is not None and same.until is not None
    released = same is not None and (same.released or (leased and now >= end))
    until = period.end if leased or now < end else None
    told = BudgetFlags(
        status.budget_id,
        status.budget_version,
        status.scope,
        start,
        end,
        sequence=known.sequence if known else 0,
        released=released,
        states=tuple(_states(status, None if released else until, released=released)),
    )
    if status.state == DELETED:
        return delete(known or told)
    return _compare(known.states if known else (), told, "lease" if released else "threshold")


def expire(flags: BudgetFlags, now: float) -> Transition:
    """Release every flag once the lease has run out."""
    if flags.until is None or now < flags.until:
        return Transition(flags)
    defaults = tuple(_default(state) for state in flags.states)
    return _compare(flags.states, msgspec.structs.replace(flags, states=defaults, released=True), "lease")


def delete(flags: BudgetFlags) -> Transition:
    """Release every flag, because the budget is gone; the sequence is remembered for its next life."""
    return _compare(flags.states, msgspec.structs.replace(flags, states=(), released=False), DELETED)


def _states(status: BudgetStatus, until: datetime | None, *, released: bool) -> Iterator[FlagState]:
    highest = {} if released else {ACTUAL: status.crossed, FORECAST: status.foreseen}
    rules: dict[str, list[StatusFlag]] = {}
    for rule in sorted(status.flags, key=lambda rule: (rule.key, rule.on == ACTUAL, rule.at)):
        rules.setdefault(rule.key, []).append(rule)
    for key, of_key in rules.items():
        variants = tuple(dict.fromkeys(rule.variant for rule in of_key))
        default = FlagState(key, status.budget_id, status.scope, variants)
        crossed = [rule for rule in of_key if rule.at <= max(highest.get(rule.on, ()), default=_NONE)]
        yield _raised(default, crossed[-1], until) if crossed else default


def _raised(default: FlagState, rule: StatusFlag, until: datetime | None) -> FlagState:
    at = quantity_to_text(rule.at)
    return msgspec.structs.replace(default, variant=rule.variant, at=at, until=until)


def _default(state: FlagState) -> FlagState:
    return msgspec.structs.replace(state, variant=None, at=None, until=None)


def _compare(states: tuple[FlagState, ...], told: BudgetFlags, cause: str) -> Transition:
    """Find what differs from the states before, and number the differences in the order of flag keys."""
    before = {state.key: state for state in states}
    after = {state.key: state for state in told.states}
    moved = []
    for key in sorted(before.keys() | after.keys()):
        previous = before[key].variant if key in before else None
        state = after[key] if key in after else _default(before[key])
        if state.variant != previous:
            moved.append((state, previous))
    flags = msgspec.structs.replace(told, sequence=told.sequence + len(moved))
    numbered = enumerate(moved, start=told.sequence + 1)
    return Transition(flags, tuple(Change(flags, state, was, number, cause) for number, (state, was) in numbered))
