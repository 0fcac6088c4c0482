"""What a sender got wrong, as a value: it is reported and kept, never raised."""

from __future__ import annotations

from typing import NamedTuple


class Rejected(NamedTuple):
    """Why an event, command or row cannot be used; one sentence for its sender."""

    reason: str
