"""Showing many documents of the view: some at a time, so that what waits to be written stays little."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.ports import View


async def show_documents(view: View, documents: Iterable[tuple[str, str, bytes | None]], at_once: int) -> None:
    """Show documents, given as kind, name and content; wait for room before every `at_once` of them."""
    for shown, document in enumerate(documents):
        if shown % at_once == 0:
            await view.room()
        view.document(*document)
