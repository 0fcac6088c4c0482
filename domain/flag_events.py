"""How a flag's change is told, and under which name its state is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.cloudevents import envelope, event_id
from domain.windows import to_rfc3339

if TYPE_CHECKING:
    from domain.flag_leases import Change

FLAG_CHANGED: Final = "costguard.flag.changed"


def change_id(change: Change) -> str:
    """Return the id of the event of a change: the same whenever the change is found again."""
    flags, state = change.flags, change.state
    return event_id(
        FLAG_CHANGED,
        flags.budget_id,
        flags.budget_version,
        flags.start,
        state.key,
        state.variant,
        state.at,
        change.sequence,
    )


def change_event(change: Change, *, time: int, recorded: int) -> bytes:
    """Return the `costguard.flag.changed` event; its id is the same whenever the change is found again."""
    flags, state = change.flags, change.state
    data = {
        "key": state.key,
        "variant": state.variant,
        "previous": change.previous,
        "cause": change.cause,
        "scope": flags.scope,
        "budget_id": flags.budget_id,
        "budget_version": flags.budget_version,
        "at": state.at,
        "until": None if flags.until is None or state.variant is None else to_rfc3339(flags.until),
        "period": {"start": to_rfc3339(flags.start), "end": to_rfc3339(flags.end)},
    }
    return envelope(
        kind=FLAG_CHANGED, agent="flags", identifier=change_id(change), time=time, data=data, recorded=recorded
    )


def document_field(key: str, budget_id: str) -> str:
    """Return the field of a flag's document in the view."""
    return f"{key}\x1f{budget_id}"


def document_budget(field: str) -> str:
    """Return the budget id in the field of a document."""
    return field.rpartition("\x1f")[2]
