"""`GET /dead-letters`: what was rejected, and why."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from app.access_tokens import ADMIN
from app.api.security import Admin
from app.api.services import Use, answer

router = APIRouter(tags=["events"])


class DeadLetterParameters(BaseModel):
    """What `GET /dead-letters` takes."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=1000)


class DeadLettersAnswer(BaseModel):
    """`costguard.rejected` events, newest first."""

    dead_letters: list[dict[str, Any]]


@router.get("/dead-letters", response_model=DeadLettersAnswer, summary="Rejected events")
async def get_dead_letters(asked: Annotated[DeadLetterParameters, Query()], caller: Admin, use: Use) -> Response:
    """List the newest rejected events with reason, origin and raw value. They may be of any tenant."""
    caller.require(ADMIN, None)
    letters = await use.view.dead_letters(asked.limit)
    return answer({"dead_letters": [orjson.Fragment(letter) for letter in letters]})
