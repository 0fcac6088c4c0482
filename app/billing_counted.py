"""Knowing that bills which were sent count: the editions that workers have closed, as the view shows them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from agents.billing_shown import bill_of
from domain.billing.known import decode_edition
from domain.billing.withdrawing import counting
from domain.windows import parse_instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    Keys = frozenset[tuple[str, str, str]]

POLL_SECONDS: Final = 0.2
# Of an import, whose days are looked at for what else tells them.
MOST_DAYS: Final = 62
_NAMED: Final = 5
# Workers may be busy, or away: whoever imports is told so rather than kept waiting for them.
PATIENCE_SECONDS: Final = 20.0


def counted(documents: Mapping[str, bytes]) -> Keys:
    """Return the keys of the editions that are closed, from the view's documents of bills."""
    return frozenset(decode_edition(text).edition.key for text in documents.values())


async def wait_until_counted(
    read: Callable[[], Awaitable[Mapping[str, bytes]]],
    keys: Collection[tuple[str, str, str]],
    *,
    patience: float = PATIENCE_SECONDS,
) -> bool:
    """Return once all of these are closed, or False after `patience` seconds."""
    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    while not counted(await read()).issuperset(keys):
        if loop.time() >= until:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


async def beside(
    editions: Mapping[str, bytes],
    read: Callable[[Sequence[str]], Awaitable[Sequence[Mapping[str, bytes]]]],
    keys: Collection[tuple[str, str, str]],
    days: Collection[str],
) -> list[str]:
    """Return the files and assemblies that tell some of the same days of the same bills as editions that count.

    They add up. That is right for the parts of an export, and wrong for one bill under two names. `editions` are the
    view's documents of bills, `read` returns those of other kinds, `days` are dates.
    """
    kinds = [bill_of(int(parse_instant(f"{day[:10]}T00:00:00Z").timestamp())) for day in sorted(set(days))]
    told = await read(kinds[-MOST_DAYS:])
    known = {name: decode_edition(text).edition for name, text in editions.items()}
    counts = {each.key for each in counting(known.values())}
    here = {name for documents in told for name in documents if name in known and known[name].key in counts}
    mine = {known[name].statement for name in here if known[name].key in keys}
    others = [known[name] for name in here if known[name].key not in keys and known[name].statement in mine]
    return sorted({each.part or each.assembly for each in others})


def replaced(documents: Mapping[str, bytes], keys: Collection[tuple[str, str, str]]) -> bool:
    """Tell whether none of these editions counts, as others are in their place."""
    counts = {each.key for each in counting(decode_edition(text).edition for text in documents.values())}
    return bool(keys) and counts.isdisjoint(keys)


def outcome(
    editions: Collection[tuple[str, str, str]],
    before: Keys | None,
    *,
    since: str,
    folded: bool,
    counts: bool = True,
) -> str:
    """Say what an import has come to, and how the days from `since` are seen.

    `before` are the editions that were closed before it, None if that is unknown; `counts` tells whether any of these
    is not replaced by another.
    """
    if before is not None and before.issuperset(editions):
        if not counts:
            return "was there already, and was replaced or taken back since: nothing was added"
        return "was there already: nothing was added"
    see = f"costguard costs --source billed --start {since}T00:00:00Z"
    again = len(before.intersection(editions)) if before else 0
    some = f" ({again} of {len(editions)} editions were there already)" if again else ""
    if folded:
        return f"folded{some}, and in the figures within seconds: {see}"
    return f"sent{some}; it counts once workers have folded it: {see}"


def also_told(others: Sequence[str]) -> str:
    """Say that days of what was imported are told by other files, too; nothing when there are none."""
    if not others:
        return ""
    some = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
    return (
        f"\nthe same days of the same bills are told by {some}, too: they add up. If one was to replace the other, "
        "take it back: costguard withdraw-bill NAME"
    )
