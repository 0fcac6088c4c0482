"""What `GET /flags` serves: one document per flag and budget, kept like the `flags` table.

A view that cannot be reached is caught up with later and holds up nothing; one that lost its memory, or kept
what it should have lost, is made whole by `repair`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, Protocol

from domain.flag_events import document_budget, document_field
from domain.flags import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from domain.flag_leases import BudgetFlags

logger = logging.getLogger(__name__)

KIND: Final = "flags"


class View(Protocol):
    """The documents that the API reads."""

    async def documents(self, kind: str) -> dict[str, bytes]:
        """Return the documents of a kind by field."""

    async def put_documents(self, kind: str, documents: Mapping[str, bytes | None]) -> None:
        """Write documents by field; None deletes."""


class FlagBoard:
    """Remembers what the view does not show yet."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._unseen: dict[str, bytes | None] = {}
        self._flushing = asyncio.Lock()

    def put(self, before: BudgetFlags | None, after: BudgetFlags) -> None:
        """Show a budget's flags as they are now."""
        self._unseen |= dict.fromkeys(_documents(before)) if before else {}
        self._unseen |= _documents(after)

    async def flush(self) -> None:
        """Write what is not shown yet; when the view is away, keep it."""
        # One at a time: an older document must not arrive after a newer one.
        async with self._flushing:
            shown, self._unseen = self._unseen, {}
            try:
                if shown:
                    await self._view.put_documents(KIND, shown)
            except Exception as error:  # noqa: BLE001 - whatever the view's client raises: it is away
                logger.warning("flags are not shown yet: %s", type(error).__name__)
                self._unseen = shown | self._unseen

    async def repair(self, flags: Iterable[BudgetFlags]) -> bool:
        """Show these budgets again, and hide of them what they do not have; False when the view is away."""
        try:
            present = await self._view.documents(KIND)
        except Exception as error:  # noqa: BLE001 - as above
            logger.warning("flags cannot be compared with the view yet: %s", type(error).__name__)
            return False
        by_id = {each.budget_id: each for each in flags}
        self._unseen |= {field: None for field in present if document_budget(field) in by_id}
        for each in by_id.values():
            self._unseen |= _documents(each)
        return True


def _documents(flags: BudgetFlags) -> dict[str, bytes | None]:
    return {document_field(state.key, flags.budget_id): encode(state) for state in flags.states}
