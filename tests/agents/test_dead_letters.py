from __future__ import annotations

import base64
from collections import Counter

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.dead_letters import MAX_REASONS, OTHER, DeadLetters, reason_kind
from tests.agents.effects_fakes import FakeRecord, FakeView, batch


def letter(reason: str, offset: int = 0) -> bytes:
    return orjson.dumps(
        {"id": f"{reason}@{offset}", "type": "costguard.rejected", "data": {"reason": reason, "offset": offset}}
    )


class Desk:
    def __init__(self) -> None:
        self.view = FakeView()
        self.counted = Counter[str]()
        self.pauses: list[float] = []
        self.agent = DeadLetters(self.view, self._count, self._pause)

    def _count(self, reason: str, letters: int) -> None:
        self.counted[reason] += letters

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def receive(self, *letters: bytes | None) -> None:
        await self.agent.handle(batch(*(FakeRecord(each) for each in letters)))


async def test_letters_are_shown_in_order_and_counted_by_kind_of_reason() -> None:
    desk = Desk()
    letters = [
        letter("units: missing", 1),
        letter("units: -1 is not >= 0", 2),
        letter("units: -2 is not >= 0", 3),
    ]
    await desk.receive(*letters)
    assert desk.view.letters == letters
    assert desk.counted == {"units: missing": 1, "units: -… is not >= …": 2}


async def test_a_replay_shows_and_counts_a_letter_once() -> None:
    desk = Desk()
    await desk.receive(letter("a"), letter("a"))
    await desk.receive(letter("a"), letter("b"))
    assert desk.view.letters == [letter("a"), letter("b")]
    assert desk.counted == {"a": 1, "b": 1}


async def test_while_the_view_is_away_the_batch_waits_and_is_not_lost() -> None:
    desk = Desk()
    desk.view.failures += [OSError("redis is away")] * 3
    await desk.receive(letter("a"))
    assert desk.view.letters == [letter("a")]
    assert len(desk.pauses) == 3
    assert desk.counted == {"a": 1}


async def test_a_tombstone_is_nothing() -> None:
    desk = Desk()
    await desk.receive(None)
    assert not desk.view.letters
    assert not desk.counted


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b"[" * 5_000, b'{"id": 5, "data": {}}', b'{"id": "x"}', b"null"])
async def test_what_is_no_letter_is_shown_as_one_about_it(value: bytes) -> None:
    desk = Desk()
    await desk.receive(value, letter("a"))
    wrapped, other = map(orjson.loads, desk.view.letters)
    assert (wrapped["type"], wrapped["data"]["reason"]) == ("costguard.rejected", "not a dead letter")
    assert wrapped["data"]["raw"] == base64.b64encode(value).decode()
    assert other["data"]["reason"] == "a"


async def test_senders_cannot_make_up_any_number_of_reasons() -> None:
    desk = Desk()
    words = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(MAX_REASONS + 20)]
    await desk.receive(*(letter(word) for word in words))
    assert len(desk.counted) == MAX_REASONS + 1
    assert desk.counted[OTHER] == 20


def test_what_is_particular_to_a_sender_is_no_part_of_the_kind() -> None:
    kinds = {reason_kind(letter(f"type: 'x{each}' is not right at byte {each}")) for each in range(5)}
    assert kinds == {"type: … is not right at byte …"}


@given(st.binary(max_size=60))
def test_foreign_bytes_are_counted_as_other(value: bytes) -> None:
    assert reason_kind(value) == OTHER
