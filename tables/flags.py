"""Which flag variants each budget has in force: rows of the `flags` table.

Partitioned like `budget-status`; written by `agents.flags` alone; kept for ever, one small row a budget.

- `b` + budget id: `(version, BudgetFlags)`, the version being the offset of the status that made it;
- `l` + end of lease (8 bytes, epoch seconds) + budget id: finds the leases that run out next.
"""

from __future__ import annotations

from typing import Final

import msgspec

from domain.flag_leases import BudgetFlags

NAME: Final = "flags"
BUDGET: Final = b"b"
LEASE: Final = b"l"
_INSTANT_BYTES: Final = 8

Rows = dict[bytes, bytes | None]


class FlagsRow(msgspec.Struct, array_like=True, frozen=True):
    """The flags of a budget as of one status."""

    version: int
    flags: BudgetFlags


_encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(FlagsRow).decode


def budget_key(budget_id: str) -> bytes:
    """Return the key of a budget's row."""
    return BUDGET + budget_id.encode()


def rows(before: FlagsRow | None, after: FlagsRow) -> Rows:
    """Rows that replace what is known of a budget, and its lease."""
    found: Rows = {}
    if before is not None and before.flags.until is not None:
        found[_lease_key(before.flags.until, before.flags.budget_id)] = None
    if after.flags.until is not None:
        found[_lease_key(after.flags.until, after.flags.budget_id)] = _encode((after.version,))
    found[budget_key(after.flags.budget_id)] = _encode(after)
    return found


def _lease_key(until: int, budget_id: str) -> bytes:
    return LEASE + until.to_bytes(_INSTANT_BYTES, "big") + budget_id.encode()


def read_lease(key: bytes) -> tuple[int, bytes]:
    """Return when the lease of this key ends, and the key of its budget's row."""
    head = len(LEASE) + _INSTANT_BYTES
    return int.from_bytes(key[len(LEASE) : head], "big"), BUDGET + key[head:]
