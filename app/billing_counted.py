"""Knowing that bills which were sent count: the editions that workers have closed, as the view shows them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from domain.billing.known import decode_edition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    Keys = frozenset[tuple[str, str, str]]

EDITIONS: Final = "bills"
POLL_SECONDS: Final = 0.2
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


def outcome(editions: Collection[tuple[str, str, str]], before: Keys | None, *, since: str, folded: bool) -> str:
    """Say what an import has come to, and how the days from `since` are seen.

    `before` are the editions that were closed before it, None if that is unknown.
    """
    if before is not None and before.issuperset(editions):
        return "was there already: nothing was added"
    see = f"costguard costs --source billed --start {since}T00:00:00Z"
    again = len(before.intersection(editions)) if before else 0
    some = f" ({again} of {len(editions)} editions were there already)" if again else ""
    if folded:
        return f"folded{some}, and in the figures within seconds: {see}"
    return f"sent{some}; it counts once workers have folded it: {see}"
