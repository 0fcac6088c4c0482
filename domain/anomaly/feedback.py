"""What people say of an anomaly, and what it changes: yes, no, or planned.

- yes: it was one; the scope becomes a little more talkative again, if it was quietened.
- no: it was none; it ends, and the scope has to be half as odd again before it is told of.
- planned: people knew; it ends, and the level of now is the normal one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import msgspec

from domain.anomaly import spend
from domain.rejection import Rejected

if TYPE_CHECKING:
    from domain.anomaly.detection import Hourly

Verdict = Literal["yes", "no", "planned"]
VERDICTS: Final = get_args(Verdict)
_QUIETER: Final = 1.5
_LOUDER: Final = 0.8
_RANGE: Final = (1.0, 8.0)


class Feedback(msgspec.Struct, frozen=True):
    """A command: what somebody says of an anomaly."""

    feedback: str
    verdict: Verdict


encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Feedback).decode


def parse(value: bytes) -> Feedback | Rejected:
    """Read a command."""
    try:
        return _decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        return Rejected(f"not feedback: {error}")


def tolerance(known: float, verdict: str) -> float:
    """Return how many times as odd a scope has to be from now on."""
    factor = {"yes": _LOUDER, "no": _QUIETER}.get(verdict, 1.0)
    return min(max(known * factor, _RANGE[0]), _RANGE[1])


def hear(hourly: Hourly, said: Feedback, offset: int, hour: int) -> None:
    """Carry feedback out; what is unknown, or was heard already, changes nothing."""
    episode = hourly.keeper.get(said.feedback)
    if episode is None or episode.heard >= offset:
        return
    episode = msgspec.structs.replace(episode, verdict=said.verdict, heard=offset)
    hourly.keeper.put(episode)
    state = hourly.state(episode.key)
    if state is not None:
        state.tolerance = tolerance(state.tolerance, said.verdict)
        if said.verdict == "planned" and not episode.closed:
            spend.rebase(state)
        hourly.states[episode.key] = state
    if said.verdict != "yes" and not episode.closed:
        hourly.keeper.close(episode, hour, "planned" if said.verdict == "planned" else "dismissed")
