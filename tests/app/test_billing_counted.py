"""What an import waits for, and what it says at its end."""

from __future__ import annotations

from app.billing_counted import counted, outcome, wait_until_counted
from domain.billing.editions import Edition
from domain.billing.known import KnownEdition, encode_edition

JUNE = Edition("aws/june", "june.csv", "1", 0, final=True, latest=0, rows=1, rejected=0, content="x")
JULY = Edition("aws/july", "july.csv", "1", 0, final=True, latest=0, rows=1, rejected=0, content="y")


def shown(*editions: Edition) -> dict[str, bytes]:
    return {str(at): encode_edition(KnownEdition(each, 0)) for at, each in enumerate(editions)}


async def test_it_waits_until_the_last_edition_is_closed() -> None:
    answers = [shown(), shown(JUNE), shown(JUNE, JULY)]

    async def read() -> dict[str, bytes]:
        return answers.pop(0)

    assert await wait_until_counted(read, [JUNE.key, JULY.key])
    assert answers == []


async def test_it_gives_up_when_workers_are_away() -> None:
    async def read() -> dict[str, bytes]:
        return shown(JUNE)

    assert not await wait_until_counted(read, [JULY.key], patience=0.0)


def test_what_was_there_is_said_to_have_been() -> None:
    both, june = counted(shown(JUNE, JULY)), counted(shown(JUNE))
    assert outcome(both, both, since="2026-06-01", folded=True) == "was there already: nothing was added"
    assert outcome(both, june, since="2026-06-01", folded=True).startswith(
        "folded (1 of 2 editions were there already), and in the"
    )
    assert outcome(both, frozenset(), since="2026-06-01", folded=True).startswith(
        "folded, and in the figures within seconds: costguard"
    )
    assert outcome(both, june, since="2026-06-01", folded=True).endswith("--start 2026-06-01T00:00:00Z")
    assert outcome(both, None, since="2026-06-01", folded=False).startswith(
        "sent; it counts once workers have folded it: costguard"
    )
