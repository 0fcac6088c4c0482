from __future__ import annotations

from tables.deliveries import (
    EXPIRY,
    PENDING,
    RETENTION,
    SETTLED,
    Pending,
    Settled,
    decode_pending,
    decode_settled,
    forgotten_rows,
    is_expired,
    pending_rows,
    settled_rows,
)

IDENTITY = bytes(range(16))
OWED = Pending(7, "hook", "flag-changed", "e1", 1_793_620_800_000_000, 1.5, 2.5, 3, b'{"id":"e1"}')


def test_a_pending_delivery_reads_back() -> None:
    row = pending_rows(IDENTITY, OWED)[PENDING + IDENTITY]
    assert row is not None
    assert decode_pending(row) == OWED


def test_settling_drops_the_body_and_remembers_that_it_is_over() -> None:
    rows = settled_rows(IDENTITY, Settled(7, 3600.0, "gone"))
    assert rows[PENDING + IDENTITY] is None
    row = rows[SETTLED + IDENTITY]
    assert row is not None
    assert decode_settled(row) == Settled(7, 3600.0, "gone")


def test_a_settled_delivery_is_forgotten_whole_after_its_retention_and_no_earlier() -> None:
    rows = settled_rows(IDENTITY, Settled(7, 1000.0))
    (expiry,) = (key for key in rows if key.startswith(EXPIRY))
    assert not is_expired(expiry, 1000.0 + RETENTION)
    assert is_expired(expiry, 1000.0 + RETENTION + 3600)
    left = {key for key, row in rows.items() if row is not None}
    assert forgotten_rows(expiry) == dict.fromkeys(left)


def test_expiries_sort_by_time() -> None:
    keys = [
        next(key for key in settled_rows(IDENTITY, Settled(7, at)) if key.startswith(EXPIRY))
        for at in (0.0, 255 * 3600.0, 256 * 3600.0, 70_000 * 3600.0)
    ]
    assert keys == sorted(keys)
