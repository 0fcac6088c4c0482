"""What the rollup reads: packets of totals, and control records that open and close budgets."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from domain.rejection import Rejected
from domain.totals import Packet, decode_packet
from domain.windows import Instant


class Control(msgspec.Struct, frozen=True):
    """What `domain.budgets.payloads.control_data` says of a budget; `instant` names the period that is asked for."""

    budget_id: str
    version: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
    scope: tuple[tuple[str, str], ...]
    period: Literal["day", "week", "month", "quarter"]
    timezone: str
    week_start: Annotated[int, msgspec.Meta(ge=0, le=6)] = 0
    basis: str = "best"
    deleted: bool = False
    instant: Instant | None = None


_decode_control = msgspec.json.Decoder(Control).decode


def read_record(value: bytes | None) -> Packet | Control | Rejected | None:
    """Read a record of the topic: nobody else is to write there, and nobody is kept from it."""
    if value is None:
        return None
    try:
        return _decode_control(value) if value[:1] == b"{" else decode_packet(value)
    except (msgspec.DecodeError, UnicodeDecodeError, ArithmeticError, RecursionError) as error:
        return Rejected(f"neither totals nor a budget: {error}")
