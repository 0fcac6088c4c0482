"""`/budgets`: limits on the cost of a scope, and how much of them is spent."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from app.access_tokens import READ, WRITE
from app.api import bodies
from app.api.budget_commands import Status, command, reflects, status_of, statuses, until
from app.api.parameters import takes_none
from app.api.problems import Problem, usable
from app.api.scope_in_path import NamedScope, path_of
from app.api.security import TENANT, Caller, Reader, Writer
from app.api.services import Services, Use, answer
from domain.budgets import BUDGET_DELETED, BUDGET_SET, budget_id, define
from domain.scope import ScopeFilter

router = APIRouter(tags=["budgets"], dependencies=[Depends(takes_none)])


class FlagAnswer(BaseModel):
    """The flag `key` has `variant` once the share `at` of the limit is spent, or foreseen to be (`on`)."""

    key: str
    at: str
    variant: str
    on: Literal["actual", "forecast"]


class BandAnswer(BaseModel):
    """The edges of an 80 % band."""

    lower: str
    upper: str


class PeriodAnswer(BaseModel):
    """One calendar period, half open."""

    name: Literal["day", "week", "month", "quarter"]
    start: str
    end: str
    timezone: str


class BudgetAnswer(BaseModel):
    """A budget and its state; figures are decimal strings."""

    budget_id: str
    budget_version: int
    scope: dict[str, str] = Field(description="empty for `all`")
    name: str | None
    limit: str
    currency: str
    period: PeriodAnswer
    thresholds: list[str]
    basis: Literal["best", "metered", "billed"]
    flags: list[FlagAnswer]
    spent: str
    ratio: str
    remaining: str
    crossed: list[str] = Field(description="thresholds that are reached, ascending")
    state: Literal["ok", "crossed"]
    burn_rate: str | None = Field(None, description="spend against an even pace; 1 ends the period at the limit")
    forecast: str | None = Field(None, description="spend at the end of the period, by its rhythm or at this pace")
    forecast_band: BandAnswer | None = Field(None, description="80 % of such periods end in between")
    breach_at: str | None = Field(None, description="when the forecast reaches the limit")
    foreseen: list[str] = Field([], description="thresholds that the forecast reaches, ascending")
    unpriced: int = Field(0, description="events of the period that have no price, and are not in `spent`")
    updated: str | None = Field(description="newest event time in `spent`; null before any")


class BudgetsAnswer(BaseModel):
    """Every budget that the caller may see, by scope."""

    budgets: list[BudgetAnswer]


class PendingAnswer(BaseModel):
    """The command is kept, and no worker has carried it out yet."""

    budget_id: str
    scope: dict[str, str]
    state: Literal["pending"]


SPEND_SECONDS: Final = 1.0
_BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            bodies.JSON: {
                "schema": {"type": "object", "required": ["limit"]},
                "example": {
                    "limit": "100.00",
                    "period": "month",
                    "timezone": "Europe/Paris",
                    "thresholds": [0.7, 0.85, 1.0],
                    "flags": [{"key": "ai-search-tier", "at": 0.85, "variant": "throttled"}],
                },
            }
        },
    }
}
_PENDING: Final[dict[int | str, dict[str, Any]]] = {
    201: {"model": BudgetAnswer, "description": "The scope had no budget"},
    202: {"model": PendingAnswer, "description": "Kept; not yet carried out"},
}


@router.get("/budgets", response_model=BudgetsAnswer, summary="All budgets and what is spent of them")
async def get_budgets(caller: Reader, use: Use) -> Response:
    """List the budgets in the order of their scopes."""
    seen = [status for status in (await statuses(use)).values() if caller.sees(status["scope"])]
    return answer({"budgets": sorted(seen, key=lambda status: list(status["scope"].items()))})


@router.get("/budgets/{scope:path}/status", response_model=BudgetAnswer, summary="What is spent of a budget")
async def get_status(scope: NamedScope, caller: Reader, use: Use) -> Response:
    """Tell spent, limit, ratio, remaining, period, crossed thresholds and forecast."""
    return answer(await _found(use, _reached(scope, caller, READ)))


@router.get("/budgets/{scope:path}", response_model=BudgetAnswer, summary="One budget")
async def get_budget(scope: NamedScope, caller: Reader, use: Use) -> Response:
    """Return the budget with its status."""
    return answer(await _found(use, _reached(scope, caller, READ)))


@router.put("/budgets/{scope:path}", response_model=BudgetAnswer, responses=_PENDING, openapi_extra=_BODY)
@router.post("/budgets/{scope:path}", response_model=BudgetAnswer, responses=_PENDING, openapi_extra=_BODY)
async def put_budget(scope: NamedScope, request: Request, caller: Writer, use: Use) -> Response:
    """Set the budget of a scope. 200 or 201 once it is in force; 202 when that takes longer than five seconds."""
    terms = _reached(scope, caller, WRITE)
    body = await bodies.read_object(request)
    budget = usable(define(terms, body, use.configuration.currency))
    existed = await status_of(use, budget.id) is not None
    await command(use, BUDGET_SET, terms, body)
    status = await until(use, budget.id, lambda shown: reflects(budget, shown, use.clock()))
    if status is None or not reflects(budget, status, use.clock()):
        return _pending(terms)
    # In force; what is spent already follows at once, unless nothing ever was.
    status = await until(use, budget.id, lambda shown: shown is None or bool(shown["updated"]), SPEND_SECONDS) or status
    return answer(status, HTTPStatus.OK if existed else HTTPStatus.CREATED, _location(terms))


@router.delete(
    "/budgets/{scope:path}",
    status_code=HTTPStatus.NO_CONTENT,
    responses={202: _PENDING[202]},
    summary="Delete a budget",
)
async def delete_budget(scope: NamedScope, caller: Writer, use: Use) -> Response:
    """Delete the budget of a scope; its flags are released."""
    terms = _reached(scope, caller, WRITE)
    await _found(use, terms)
    await command(use, BUDGET_DELETED, terms, {})
    left = await until(use, budget_id(terms), lambda shown: shown is None)
    return Response(status_code=HTTPStatus.NO_CONTENT) if left is None else _pending(terms)


def _reached(scope: ScopeFilter, caller: Caller, right: str) -> ScopeFilter:
    caller.require(right, scope.as_dict().get(TENANT))
    return scope


async def _found(use: Services, scope: ScopeFilter) -> Status:
    status = await status_of(use, budget_id(scope))
    if status is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"there is no budget of {scope}")
    return status


def _pending(scope: ScopeFilter) -> Response:
    body = {"budget_id": budget_id(scope), "scope": scope.as_dict(), "state": "pending"}
    return answer(body, HTTPStatus.ACCEPTED, _location(scope))


def _location(scope: ScopeFilter) -> Mapping[str, str]:
    return {"location": path_of(scope)}
