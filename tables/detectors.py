"""`detectors`: models of spend, hours in the making, anomalies. One partition.

Partitioned like the topic of closed hours. Written by `agents.anomaly` alone. The first byte of a key tells the kind:

| kind | key after the kind | row | kept |
|---|---|---|---|
| `s` | projection, values, driver | `SpendState` | for ever, two kilobytes each |
| `f` | projection, values, driver | `FastState`, after the newest hour that was judged | as long as the scope is fast |
| `c` | | `Choice`: which scopes are fast | for ever |
| `h` | hour, partition of cost, part | `HourPart` as it came | 3 days of event time |
| `w` | five minutes, partition of cost, part | the same | 4 hours of event time |
| `b` | provider, 0, day, statement, 0, part | `BillPart` as it came | 10 weeks of the bill's time |
| `u` | provider, 0, account | `Progress`: until when bills are complete | for ever |
| `d` | provider, 0, projection, values, driver | `DailyState` | for ever, three kilobytes each |
| `e` | anomaly id | `Episode` | 90 days after its end |
| `p` | partition of cost | `Progress` of that partition | for ever |
| `m` | | `Mark`: the newest hour that was judged | for ever |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from domain.anomaly.choosing import decode_choice
from domain.anomaly.daily import decode_daily
from domain.anomaly.episodes import decode_episode
from domain.anomaly.fast_state import decode_fast
from domain.anomaly.state import decode_state
from domain.windows import DAY, HOUR

if TYPE_CHECKING:
    from domain.anomaly.bills import BillPart
    from domain.anomaly.hours import ScopeKey

NAME: Final = "detectors"
STATES: Final = b"s"
FAST: Final = b"f"
CHOICE: Final = b"c"
HOURS: Final = b"h"
WINDOWS: Final = b"w"
BILLS: Final = b"b"
UNTIL: Final = b"u"
DAILY: Final = b"d"
EPISODES: Final = b"e"
PROGRESS: Final = b"p"
MARK: Final = b"m"
HOURS_KEPT: Final = 3 * DAY
WINDOWS_KEPT: Final = 4 * HOUR
BILLS_KEPT: Final = 70 * DAY
EPISODES_KEPT: Final = 90 * DAY


class Progress(msgspec.Struct, frozen=True, array_like=True):
    """How far a partition of cost is: all hours before `closed`, all five minutes before `fine`.

    `version` is the offset that said so.
    """

    version: int
    closed: int
    fine: int = 0


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """The newest hour that was told of; `done` once all its models are written, too.

    `fine` is the newest five minutes after it of which something was told: they were judged up to there, at least.
    """

    version: int
    hour: int
    done: bool
    fine: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode_key = msgspec.msgpack.Decoder(tuple[str, tuple[str, ...], str]).decode
decode_progress = msgspec.msgpack.Decoder(Progress).decode
decode_mark = msgspec.msgpack.Decoder(Mark).decode

__all__ = ["decode_choice", "decode_daily", "decode_episode", "decode_fast", "decode_state"]


def state_key(key: ScopeKey) -> bytes:
    """Return the row key of a scope's models."""
    return STATES + _encode(key)


def fast_key(key: ScopeKey) -> bytes:
    """Return the row key of a fast scope's models."""
    return FAST + _encode(key)


def split_state_key(row_key: bytes) -> ScopeKey:
    """Restore what `state_key` or `fast_key` wrote."""
    return _decode_key(row_key[1:])


def window_prefix(kind: bytes, start: int) -> bytes:
    """Return what the keys of a window (`HOURS` or `WINDOWS`) start with."""
    return kind + start.to_bytes(4, "big")


def window_key(kind: bytes, start: int, partition: int, part: int) -> bytes:
    """Return the row key of a part of a window."""
    return window_prefix(kind, start) + partition.to_bytes(2, "big") + part.to_bytes(2, "big")


def start_of(row_key: bytes) -> int:
    """Return the first second of the window of a part's key."""
    return int.from_bytes(row_key[1:5], "big")


def place_of(row_key: bytes) -> tuple[int, int]:
    """Return partition and number of a part's key."""
    return int.from_bytes(row_key[5:7], "big"), int.from_bytes(row_key[7:9], "big")


def bill_prefix(provider: str, day: int | None = None, statement: str | None = None) -> bytes:
    """Return what the keys of a provider's bills start with, of one of their days, of one statement on it."""
    prefix = BILLS + provider.encode() + b"\0"
    if day is None:
        return prefix
    prefix += day.to_bytes(4, "big")
    return prefix if statement is None else prefix + statement.encode() + b"\0"


def bill_key(part: BillPart) -> bytes:
    """Return the row key of a part of a day."""
    return bill_prefix(part.provider, part.day, part.statement) + part.part.to_bytes(2, "big")


def bill_day(row_key: bytes) -> int:
    """Return the day of a part's key."""
    at = row_key.index(b"\0") + 1
    return int.from_bytes(row_key[at : at + 4], "big")


def until_key(provider: str, account: str) -> bytes:
    """Return the row key of how far an account's bills are."""
    return UNTIL + provider.encode() + b"\0" + account.encode()


def split_until_key(row_key: bytes) -> tuple[str, str]:
    """Restore what `until_key` wrote."""
    provider, _, account = row_key[1:].decode().partition("\0")
    return provider, account


def daily_prefix(provider: str) -> bytes:
    """Return what the keys of a provider's models start with."""
    return DAILY + provider.encode() + b"\0"


def daily_key(provider: str, key: ScopeKey) -> bytes:
    """Return the row key of the models of a billed scope, or account and service."""
    return daily_prefix(provider) + _encode(key)


def split_daily_key(row_key: bytes) -> ScopeKey:
    """Restore what `daily_key` wrote."""
    return _decode_key(row_key[row_key.index(b"\0") + 1 :])


def episode_key(identifier: str) -> bytes:
    """Return the row key of an anomaly."""
    return EPISODES + identifier.encode()


def progress_key(partition: int) -> bytes:
    """Return the row key of a partition's progress."""
    return PROGRESS + partition.to_bytes(2, "big")


def partition_of(row_key: bytes) -> int:
    """Return the partition of a progress key."""
    return int.from_bytes(row_key[1:], "big")


def encode(row: Progress | Mark) -> bytes:
    """Serialise a row that only says how far something is."""
    return _encode(row)
