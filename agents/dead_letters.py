"""Dead letters, where people look.

Reads `dead-letter` in batches, puts the letters into the view (newest first, capped there), and counts them
by kind of reason. A letter is recognised by its bytes for a day, so a replay shows it once. While the view
cannot be reached the agent waits, and nothing but itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import orjson

from agents import batch as batches
from domain.windows import stamped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Sequence

    import faust

    from agents.batch import Batch
    from agents.ports import Record

logger = logging.getLogger(__name__)

REMEMBER_SECONDS: Final = 86_400
PAUSE_SECONDS: Final = 2.0
MAX_REASONS: Final = 50
MAX_REASON_CHARS: Final = 80
OTHER: Final = "other"
_SENDERS_OWN: Final = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\d+")


class View(Protocol):
    """Where `GET /dead-letters` reads."""

    async def push_dead_letters(self, letters: Sequence[bytes]) -> None:
        """Add letters, the last one newest."""

    async def exists_many(self, names: Sequence[str]) -> list[bool]:
        """Tell which names are remembered."""

    async def remember(self, names: Sequence[str], seconds: int) -> None:
        """Remember names for a while."""


class _Data(msgspec.Struct, frozen=True):
    reason: str = OTHER


class _Letter(msgspec.Struct, frozen=True):
    data: _Data = _Data()


_decode: Final = msgspec.json.Decoder(_Letter).decode


@dataclass(slots=True)
class DeadLetters:
    """Shows and counts; `count(reason, letters)` feeds a metric with a bounded set of reasons."""

    view: View
    count: Callable[[str, int], None]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _reasons: set[str] = field(default_factory=set)

    async def handle(self, batch: Batch) -> None:
        """Show the letters of one batch; return when they are shown."""
        while not await self._shown(batch):
            await self.pause(PAUSE_SECONDS)

    async def _shown(self, batch: Batch) -> bool:
        try:
            await self._show(batch)
        except Exception as error:  # noqa: BLE001 - whatever the view's client raises: it is away
            logger.warning("dead letters are not shown yet: %s", type(error).__name__)
            return False
        return True

    async def _show(self, batch: Batch) -> None:
        letters = {_name(record.value): _letter(batch, record) for record in batch.records if record.value is not None}
        names = list(letters)
        seen = await self.view.exists_many(names) if names else []
        fresh = [name for name, known in zip(names, seen, strict=True) if not known]
        if not fresh:
            return
        await self.view.push_dead_letters([letters[name] for name in fresh])
        await self.view.remember(fresh, REMEMBER_SECONDS)
        for reason, number in Counter(self._bounded(letters[name]) for name in fresh).items():
            self.count(reason, number)

    def _bounded(self, letter: bytes) -> str:
        reason = reason_kind(letter)
        if reason not in self._reasons and len(self._reasons) >= MAX_REASONS:
            return OTHER
        self._reasons.add(reason)
        return reason


def _letter(batch: Batch, record: Record) -> bytes:
    """Return a letter, or one that says of a record that it is none: anybody may write to the topic."""
    value = record.value or b""
    try:
        found = orjson.loads(value)
    except orjson.JSONDecodeError:
        found = None
    if isinstance(found, dict) and isinstance(found.get("id"), str) and isinstance(found.get("data"), dict):
        return value
    return batch.dead_letter("dead-letters", record, "not a dead letter", stamped(record.timestamp) // 1000)


def _name(letter: bytes) -> str:
    return "dead-letter:" + hashlib.blake2b(letter, digest_size=16).hexdigest()


def reason_kind(letter: bytes) -> str:
    """Return the reason of a letter without what is particular to its sender: quoted text and numbers."""
    try:
        reason = _decode(letter).data.reason
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return OTHER
    return _SENDERS_OWN.sub("…", reason)[:MAX_REASON_CHARS] or OTHER


def install(
    app: faust.App,
    *,
    channel: faust.ChannelT[Any],
    dead_letters: DeadLetters,
    fatal: Callable[[BaseException], None],
) -> None:
    """Register the agent `dead-letters`."""

    @app.agent(channel, name="dead-letters")
    async def show(stream: AsyncIterable[Any]) -> None:
        await batches.each(stream, dead_letters.handle, fatal)
