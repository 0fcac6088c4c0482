"""`GET /dead-letters`: what was rejected, and why."""

from http import HTTPStatus
from typing import Annotated, Any, Final

import msgspec
import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.access_tokens import ADMIN
from app.api.ports import View
from app.api.problems import Problem
from app.api.security import Admin
from app.api.services import Use, answer

router = APIRouter(tags=["events"])

# Of letters in one answer. One letter, which holds at most 64 KiB of what was rejected, is below a hundredth of it.
MAX_BYTES: Final = 8 * 1024 * 1024
LETTERS_AT_ONCE: Final = 25


class DeadLetterParameters(BaseModel):
    """What `GET /dead-letters` takes."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1000, description="at most so many, or what 8 MiB hold")
    before: str | None = Field(None, max_length=256, description="`next` of an answer: go on with older ones")


class DeadLettersAnswer(BaseModel):
    """`costguard.rejected` events, newest first."""

    dead_letters: list[dict[str, Any]]
    next: str | None = Field(description="to go on with, as `before`; null at the end")


class _Letter(msgspec.Struct, frozen=True):
    id: str


_decode: Final = msgspec.json.Decoder(_Letter).decode


@router.get(
    "/dead-letters",
    response_model=DeadLettersAnswer,
    summary="Rejected events",
)
async def get_dead_letters(asked: Annotated[DeadLetterParameters, Query()], caller: Admin, use: Use) -> Response:
    """List the newest rejected events with reason, origin and raw value. They may be of any tenant."""
    caller.require(ADMIN, None)
    letters, more = await _page(use.view, asked.limit, asked.before)
    body = {
        "dead_letters": [orjson.Fragment(letter) for letter in letters.values()],
        "next": next(reversed(letters)) if more else None,
    }
    return answer(body)


def _identifier(letter: bytes) -> str | None:
    """Return the id of a letter; None of what an earlier release took for one."""
    try:
        return _decode(letter).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


async def _page(view: View, limit: int, before: str | None) -> tuple[dict[str, bytes], bool]:
    """Return letters by id, and whether there are more.

    New ones come in at the front meanwhile, so one may be read twice; none is left out.
    """
    letters: dict[str, bytes] = {}
    size = skip = 0
    begun = before is None
    is_last = False
    while not is_last:
        some = await view.dead_letters(LETTERS_AT_ONCE, skip)
        skip, is_last = skip + len(some), len(some) < LETTERS_AT_ONCE
        for letter in some:
            identifier = _identifier(letter)
            if identifier is None:
                continue
            if not begun:
                begun = identifier == before
            elif identifier not in letters and identifier != before:
                if len(letters) == limit or (letters and size + len(letter) > MAX_BYTES):
                    return letters, True
                letters[identifier] = letter
                size += len(letter)
    if not begun:
        raise Problem(HTTPStatus.GONE, "before: this letter, and what was before it, is no longer kept")
    return letters, False
