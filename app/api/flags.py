"""`GET /flags`: what budgets switched, as a flag set that any OpenFeature application can poll through flagd."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Header, Response
from pydantic import BaseModel, Field

from app.api.etags import answer_if_changed, tag_of
from app.api.parameters import takes_none
from app.api.security import TENANT, Caller, Reader
from app.api.services import Use
from domain.flags import FlagState, decode, flag_set

router = APIRouter(tags=["flags"], dependencies=[Depends(takes_none)])

KIND: Final = "flags"


class FlagSetAnswer(BaseModel):
    """flagd's flag definitions, https://flagd.dev/schema/v0/flags.json."""

    schema_: str = Field(alias="$schema")
    flags: dict[str, dict[str, Any]]


@router.get(
    "/flags",
    response_model=FlagSetAnswer,
    responses={304: {"description": "It is what the client has"}},
    summary="Flags for flagd",
)
async def get_flags(caller: Reader, use: Use, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """Return the flag set. Poll it with `If-None-Match`: the ETag changes when the flags do."""
    documents = await use.view.documents(KIND)
    states = [state for document in documents.values() if _concerns(caller, state := decode(document))]
    body = orjson.dumps(flag_set(states, use.clock()))
    return answer_if_changed(body, tag_of(body), if_none_match)


def _concerns(caller: Caller, state: FlagState) -> bool:
    """Tell whether a flag is switched for a tenant of the caller: its own flags, and those of everybody."""
    return TENANT not in state.scope or caller.sees(state.scope)
