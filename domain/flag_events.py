"""How a flag's change is told, and how its state is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.cloudevents import envelope, event_id
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from domain.flag_leases import BudgetFlags, Change

FLAG_CHANGED: Final = "costguard.flag.changed"


def change_event(change: Change, *, time: int, recorded: int) -> bytes:
    """Return the `costguard.flag.changed` event; its id is the same whenever the change is found again."""
    flags, entry = change.flags, change.entry
    identifier = event_id(
        FLAG_CHANGED,
        flags.budget_id,
        flags.budget_version,
        flags.start,
        entry.key,
        entry.variant,
        entry.at,
        change.sequence,
    )
    data = {
        "key": entry.key,
        "variant": entry.variant,
        "previous": change.previous,
        "cause": change.cause,
        "scope": flags.scope,
        "budget_id": flags.budget_id,
        "budget_version": flags.budget_version,
        "at": entry.at,
        "until": None if flags.until is None or entry.variant is None else to_rfc3339(flags.until),
        "period": {"start": to_rfc3339(flags.start), "end": to_rfc3339(flags.end)},
    }
    return envelope(
        kind=FLAG_CHANGED, agent="flags", identifier=identifier, time=time, data=data, recorded=recorded
    )


def documents(flags: BudgetFlags) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield `(field, document)` of the view's kind `flags`."""
    for entry in flags.entries:
        yield (
            document_field(entry.key, flags.budget_id),
            {
                "key": entry.key,
                "variant": entry.variant,
                "scope": flags.scope,
                "at": entry.at,
                "variants": entry.variants,
                "budget_id": flags.budget_id,
                "until": None if flags.until is None or entry.variant is None else to_rfc3339(flags.until),
            },
        )


def document_field(key: str, budget_id: str) -> str:
    """Return the field of a flag's document."""
    return f"{key}\x1f{budget_id}"
