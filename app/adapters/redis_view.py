"""The materialised view in Redis: what workers write and the API reads. Rebuilt from the tables when it is lost.

| key (after the prefix) | type | holds |
|---|---|---|
| `cost:{granularity}:{projection}:{start}` | hash | one field per line of cost and owner partition |
| `budgets`, `flags`, `anomalies`, `progress`, `workers` | hash | JSON documents |
| `bills`, `bill:{day}`, `bill-resources:{day}` | hash | editions of bills and what they say: `agents.billing_shown` |
| `dead-letters` | list | the newest rejected events |

A field of a cost hash, and its value, are spelled as `cost_lines` says. A script writes it only when the position,
which is that of the owner's table in its changelog, is not before that of what is there: a worker that has lost a
partition without knowing it cannot undo its successor's figures. The field `~` is another one after each write:
readers keep sums for as long as it stays.
"""

from __future__ import annotations

import asyncio
import secrets
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Final, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.adapters.cost_lines import Sheet, name_of, value_of
from domain.windows import DAY, Granularity, Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from domain.cells import CostRow
    from domain.cost_rows import Line, Place, ProjectionRow

# By owner partition and place: rows, each with the position of the owner's table that it belongs to.
Shown = dict[tuple[int, "Place"], dict["Line", tuple[int, "ProjectionRow"]]]
__all__ = ["RedisError", "RedisView"]

MAX_DEAD_LETTERS: Final = 1_000
# Since its last write; a window that is asked for later than that is answered by coarser ones.
_SECONDS_KEPT: Final = {Granularity.MINUTE: 4 * DAY, Granularity.HOUR: 110 * DAY, Granularity.DAY: 810 * DAY}
_PIPELINE_KEYS: Final = 500
# The progress document of this and a process is there while that process shows everything.
SHOWING: Final = "showing:"
# No run of Redis is called so.
_UNFINISHED: Final = b"unfinished"
# A field of a window's hash; those of lines are JSON arrays.
_MARK: Final = b"~"
# Redis does nothing else while a script runs: some milliseconds.
_SCRIPT_ARGUMENTS: Final = 2_000
_SCRIPTS_AT_ONCE: Final = 20
_SET_NEWER: Final = """
local at = 1
for _, key in ipairs(KEYS) do
  local seconds, mark, last = ARGV[at], ARGV[at + 1], at + 2 + ARGV[at + 2]
  redis.call('HSET', key, '~', mark)
  for i = at + 3, last, 2 do
    local old = redis.call('HGET', key, ARGV[i])
    if not old or tonumber(string.match(old, '^%d+')) <= tonumber(string.match(ARGV[i + 1], '^%d+')) then
      redis.call('HSET', key, ARGV[i], ARGV[i + 1])
    end
  end
  redis.call('EXPIRE', key, seconds)
  at = last + 1
end
"""

# One command for all keys: a client takes longer over a hundred answers than Redis over a hundred look-ups.
_STANDING: Final = """
local documents, marks, kinds = {}, {}, tonumber(ARGV[1])
for at, key in ipairs(KEYS) do
  if at > kinds then
    marks[at - kinds] = redis.call('HGET', key, '~')
  else
    documents[at] = redis.call('HGETALL', key)
  end
end
return {documents, marks}
"""
# Lua's and the protocol's bounds on the arguments of one command are far above.
_KEYS_AT_ONCE: Final = 5_000

Marks = tuple[bytes | None, ...]
# A window of a projection.
Part = tuple[str, Window]


class RedisView:
    """Reads and writes the view; every call may raise `RedisError`."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._redis = client
        self._prefix = prefix
        self._set_newer = client.register_script(_SET_NEWER)
        self._standing = client.register_script(_STANDING)
        # As it comes: a dictionary of all lines would be made only to be taken apart again.
        client.set_response_callback("HGETALL", _as_it_comes)
        self._writer = secrets.token_hex(8)
        self._marks = count()

    @classmethod
    def connect(cls, url: str, prefix: str) -> Self:
        """Open a client; nothing is sent until the first call. `prefix` goes before every key."""
        client: Redis = Redis.from_url(
            url,
            socket_timeout=10,
            socket_connect_timeout=5,
            retry=Retry(NoBackoff(), 1),
            health_check_interval=15,
            protocol=2,
        )
        return cls(client, prefix)

    async def close(self) -> None:
        """Disconnect."""
        await self._redis.aclose()

    async def ping(self) -> bool:
        """Tell whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except (RedisError, OSError):
            return False

    async def is_intact(self, owner: str) -> bool:
        """Tell whether what an owner has shown is all there: Redis was not restarted or emptied since it began to."""
        return await self._redis.get(f"{self._prefix}intact:{owner}") == await self._run_id()

    async def begin_showing(self, owner: str) -> bytes:
        """Return the run of Redis in which an owner is about to show everything; for `mark_intact`."""
        run = await self._run_id()
        await self._redis.set(f"{self._prefix}intact:{owner}", _UNFINISHED)
        return run

    async def mark_intact(self, owner: str, run: bytes) -> None:
        """Remember that an owner has shown everything since `begin_showing`; in vain if that is no longer there."""
        await self._redis.set(f"{self._prefix}intact:{owner}", run, xx=True)

    async def _run_id(self) -> bytes:
        info: dict[str, Any] = await self._redis.info("server")
        return str(info["run_id"]).encode()

    async def wipe(self) -> None:
        """Delete every key under the prefix."""
        batch = [key async for key in self._redis.scan_iter(match=f"{self._prefix}*", count=1000)]
        for at in range(0, len(batch), _PIPELINE_KEYS):
            await self._redis.unlink(*batch[at : at + _PIPELINE_KEYS])

    async def put_costs(self, rows: Shown) -> None:
        """Write costs of owner partitions, in order, unless newer ones are there."""
        pipeline = self._redis.pipeline(transaction=False)
        for names, arguments in self._scripted(rows):
            # Answers are waited for together: one at a time, each waits for its turn in a loop that is busy.
            await self._set_newer(keys=names, args=arguments, client=pipeline)
            if len(pipeline) == _SCRIPTS_AT_ONCE:
                await pipeline.execute()
            else:
                await asyncio.sleep(0)
        await pipeline.execute()

    def _scripted(self, rows: Shown) -> Iterator[tuple[list[str], list[str | bytes | int]]]:
        """Yield keys and arguments of the script that writes costs, some at a time."""
        names: list[str] = []
        arguments: list[str | bytes | int] = []
        for (owner, place), lines in rows.items():
            shown = iter(lines.items())
            # A script takes not too many arguments, however many lines a window has.
            while some := list(islice(shown, _SCRIPT_ARGUMENTS // 2)):
                names.append(self._cost_key(place.window, place.projection))
                arguments += (_SECONDS_KEPT[place.window.granularity], self._next_mark(), 2 * len(some))
                for line, (position, row) in some:
                    arguments += name_of(owner, line), value_of(position, row)
                if len(arguments) > _SCRIPT_ARGUMENTS:
                    yield names, arguments
                    names, arguments = [], []
        if names:
            yield names, arguments

    async def rows(self, projection: str, windows: Sequence[Window]) -> list[CostRow]:
        """Return the lines of a projection in the given windows; a line is there once per owner partition."""
        return [row for sheet in await self.sheets(projection, windows) for row in sheet.rows()]

    async def sheets(self, projection: str, windows: Sequence[Window]) -> list[Sheet]:
        """Return the same lines as they are spelled, by window."""
        found: list[Sheet] = []
        for at in range(0, len(windows), _PIPELINE_KEYS):
            asked = windows[at : at + _PIPELINE_KEYS]
            pipeline = self._redis.pipeline(transaction=False)
            for window in asked:
                pipeline.hgetall(self._cost_key(window, projection))
            for window, spelled in zip(asked, await pipeline.execute(), strict=True):
                found.append(_sheet(projection, window, spelled))
        return found

    async def standing(self, kinds: Sequence[str], parts: Sequence[Part]) -> tuple[list[dict[str, bytes]], Marks]:
        """Return the documents of kinds, and the marks of windows of projections: of one moment, in one round trip.

        Some thousand windows and more take several; the documents are of the first. A mark is another one whenever
        its window was written, and None where nothing is.
        """
        keys = [self._prefix + kind for kind in kinds] + [self._cost_key(window, name) for name, window in parts]
        stored, marks = await self._standing(keys=keys[:_KEYS_AT_ONCE], args=[len(kinds)])
        for at in range(_KEYS_AT_ONCE, len(keys), _KEYS_AT_ONCE):
            marks += (await self._standing(keys=keys[at : at + _KEYS_AT_ONCE], args=[0]))[1]
        return [_documents(one) for one in stored], tuple(marks)

    def _next_mark(self) -> str:
        return f"{self._writer}-{next(self._marks)}"

    def _cost_key(self, window: Window, projection: str) -> str:
        return f"{self._prefix}cost:{window.granularity.value}:{projection}:{window.start}"

    async def documents(self, kind: str) -> dict[str, bytes]:
        """Return the JSON documents of a kind, by field."""
        (found,) = await self.documents_of([kind])
        return found

    async def document(self, kind: str, name: str) -> bytes | None:
        """Return one JSON document of a kind; None when there is none."""
        found: Any = await self._redis.hget(self._prefix + kind, name)
        return None if found is None else bytes(found)

    async def documents_of(self, kinds: Sequence[str]) -> list[dict[str, bytes]]:
        """Return the documents of several kinds, in their order."""
        pipeline = self._redis.pipeline(transaction=False)
        for kind in kinds:
            pipeline.hgetall(self._prefix + kind)
        return [_documents(stored) for stored in await pipeline.execute()]

    async def put_documents(self, kind: str, documents: Mapping[str, bytes | None]) -> None:
        """Write JSON documents of a kind; None deletes."""
        pipeline = self._redis.pipeline(transaction=False)
        left = iter(documents.items())
        while some := dict(islice(left, _PIPELINE_KEYS)):
            shown: dict[Any, Any] = {name: document for name, document in some.items() if document is not None}
            if shown:
                pipeline.hset(self._prefix + kind, mapping=shown)
            if gone := some.keys() - shown.keys():
                pipeline.hdel(self._prefix + kind, *gone)
        await pipeline.execute()

    async def dead_letters(self, limit: int, skip: int = 0) -> list[bytes]:
        """Return dead letters, newest first, after so many newer ones."""
        found: Any = await self._redis.lrange(f"{self._prefix}dead-letters", skip, skip + limit - 1)
        return list(found)

    async def push_dead_letters(self, letters: Sequence[bytes]) -> None:
        """Add dead letters, oldest first; only the newest are kept."""
        name = f"{self._prefix}dead-letters"
        pipeline = self._redis.pipeline(transaction=True)
        for at in range(0, len(letters), _PIPELINE_KEYS):
            pipeline.lpush(name, *letters[at : at + _PIPELINE_KEYS])
        pipeline.ltrim(name, 0, MAX_DEAD_LETTERS - 1)
        await pipeline.execute()

    async def claim(self, name: str, seconds: int) -> bool:
        """Take a name for a time; False when it is taken."""
        return bool(await self._redis.set(f"{self._prefix}claim:{name}", b"1", nx=True, ex=seconds))

    async def exists_many(self, names: Sequence[str]) -> list[bool]:
        """Tell which names are remembered."""
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.exists(f"{self._prefix}seen:{name}")
        return [bool(answer) for answer in await pipeline.execute()]

    async def remember(self, names: Sequence[str], seconds: int) -> None:
        """Remember names for a time."""
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.set(f"{self._prefix}seen:{name}", b"1", ex=seconds)
        await pipeline.execute()


def _as_it_comes(response: Any, **_options: Any) -> Any:
    return response


def _documents(stored: list[bytes]) -> dict[str, bytes]:
    return {name.decode(): value for name, value in zip(stored[::2], stored[1::2], strict=True)}


def _sheet(projection: str, window: Window, spelled: list[bytes]) -> Sheet:
    names, values = spelled[::2], spelled[1::2]
    if _MARK in names:
        at = names.index(_MARK)
        del names[at], values[at]
    return Sheet(projection, window, names, values)
