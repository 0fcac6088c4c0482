"""A recovery that does not move on ends the process; one that does, or none, never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.recovery_watch import STALL_SECONDS, RecoveryWatch, StalledRecoveryError

if TYPE_CHECKING:
    from tables.ledger import LedgerTable


class Stalled:
    """A table that has not moved on since some instant; None: it is recovered."""

    name = "costs"

    def __init__(self, since: float | None) -> None:
        self.since = since

    def remaining(self) -> dict[int, int]:
        return {3: 120}

    def stalled(self, now: float) -> float:
        return 0.0 if self.since is None else now - self.since


def ended(now: float, *since: float | None) -> list[BaseException]:
    errors: list[BaseException] = []
    tables: Any = [Stalled(one) for one in since]
    watched: list[LedgerTable] = tables
    RecoveryWatch(watched, errors.append, lambda: now).look()
    return errors


def test_a_process_that_recovers_nothing_for_a_minute_ends() -> None:
    (error,) = ended(STALL_SECONDS + 1, 0.0, None)
    assert isinstance(error, StalledRecoveryError)
    assert "costs {3: 120}" in str(error)


def test_one_that_is_recovered_or_moves_on_lives() -> None:
    assert not ended(10 * STALL_SECONDS, None, None)
    assert not ended(STALL_SECONDS - 1, 0.0)


def test_tables_wait_for_each_other() -> None:
    assert not ended(STALL_SECONDS + 1, 0.0, STALL_SECONDS), "one of them still moves on"
