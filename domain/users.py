"""Distinct users of a tenant on a day, from `attributes.user` of usage: hashes cross a topic, a sketch counts them.

Nobody's name is kept. A repeat changes nothing, whoever sends it, so none of this has a position. The sketch is Apache
DataSketches' HyperLogLog: exact to a few hundred users, within 4 % (two standard errors: 2^12 registers) beyond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from datasketches import hll_sketch, tgt_hll_type  # type: ignore[attr-defined]
from xxhash import xxh3_64_intdigest

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

# What a record holds that names a user; others, nearly all, need not be read a second time.
MENTION: Final = b'"user"'
# Users of a source partition that are known to be told; who was forgotten is told again.
MAX_KNOWN: Final = 50_000
_REGISTERS: Final = 12


class _Attributes(msgspec.Struct, gc=False):
    user: str | int | None = None


class _Data(msgspec.Struct, gc=False):
    attributes: _Attributes | None = None


class _Event(msgspec.Struct, gc=False):
    # Of binary mode: there the record holds the data alone.
    attributes: _Attributes | None = None
    data: _Data | None = None


_decode = msgspec.json.Decoder(_Event).decode


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Users of a tenant, as hashes of 63 bits, on the day that begins at `day` (epoch seconds)."""

    day: int
    tenant: str
    users: list[int]


def user_of(value: bytes) -> str | None:
    """Return the user that a valid usage event names; None when it names none, or none that can be read."""
    try:
        event = _decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    attributes = event.data.attributes if event.data is not None else event.attributes
    user = None if attributes is None else attributes.user
    return None if user is None else str(user) or None


def users_of(day: int) -> str:
    """Return the kind of the documents with the numbers of users on a day (epoch seconds), by tenant."""
    return f"users:{day}"


class Newcomers:
    """The users of one source partition that were not told yet."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], set[int]] = {}
        self._count = 0
        self._new: dict[tuple[int, str], list[int]] = {}

    def see(self, time: int, tenant: str, user: str) -> None:
        """Take note of a user at an instant (epoch seconds)."""
        group = time - time % DAY, tenant
        known = self._known.setdefault(group, set())
        hashed = xxh3_64_intdigest(user.encode()) >> 1
        if hashed not in known:
            known.add(hashed)
            self._count += 1
            self._new.setdefault(group, []).append(hashed)

    def take(self, oldest: int) -> list[Seen]:
        """Return who came since the last time, without days before `oldest` (epoch seconds): nobody counts there."""
        taken = [Seen(day, tenant, users) for (day, tenant), users in self._new.items() if day >= oldest]
        self._new = {}
        while self._count > MAX_KNOWN:
            self._count -= len(self._known.pop(next(iter(self._known))))
        return taken


class Counted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A sketch, and how many users it has seen; `version` is the offset in `cost-totals` that changed it last."""

    version: int
    users: int
    sketch: bytes


def count(known: Counted | None, users: Iterable[int], version: int) -> Counted:
    """Return the sketch with these users; `known` itself when it has seen them all."""
    sketch = hll_sketch(_REGISTERS, tgt_hll_type.HLL_4) if known is None else hll_sketch.deserialize(known.sketch)
    for user in users:
        sketch.update(user)
    spelled = bytes(sketch.serialize_compact())
    if known is not None and spelled == known.sketch:
        return known
    return Counted(version, round(sketch.get_estimate()), spelled)
