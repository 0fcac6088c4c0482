"""`GET /remediation`: whose cost nobody knows, ranked by money, with guesses and tickets."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.allocating import allocated_lines, planned
from app.api.bill_lines import FULL, bill_lines, by_days, read_known
from app.api.bill_resources import bill_resources
from app.api.costs import WindowAnswer
from app.api.parameters import Remediation as Asked
from app.api.problems import usable
from app.api.questions import question
from app.api.security import Reader
from app.api.services import Use, answer
from app.unowned import as_json
from domain.cells import CostRow
from domain.queries.folding import selection
from domain.rejection import Rejected
from domain.remediation import USAGE, Line, Remediation
from domain.scope import DIMENSIONS, UNATTRIBUTED
from domain.sources import METERED, parse

router = APIRouter(tags=["costs"])


class GuessAnswer(BaseModel):
    """Who owns most of the similar cost, in which respect it is similar, and their share of it."""

    owner: str
    by: str = Field(
        description="`resource` (other lines of the same), `tag` (or a dimension in common), `resource group`,"
        " `account` or `service`"
    )
    share: str


class AccountAnswer(BaseModel):
    """An account with cost that nobody owns."""

    account: str
    amount: str


class ResourceAnswer(BaseModel):
    """A resource with cost that nobody owns."""

    resource: str
    amount: str
    account: str
    guess: GuessAnswer | None = Field(description="whose this resource may be")


class TicketAnswer(BaseModel):
    """What to put into a tracker; one id a week for the same finding."""

    id: str
    summary: str
    description: str
    labels: list[str]
    assignee_guess: str | None
    amount: str
    currency: str
    week: str


class FindingAnswer(BaseModel):
    """Unattributed cost of one origin."""

    id: str
    reason: str = Field(description="`not tagged` or `cannot be tagged`")
    provider: str = Field(description="empty for metered cost that no provider's price is known for")
    service: str = Field(description="its resource type")
    charge_category: str
    amount: str
    lines: int
    accounts: list[AccountAnswer] = Field(description="those with most of it, where a bill tells accounts; as booked")
    resources: list[ResourceAnswer] = Field(
        description="those with most of it, of the dearest that its bills tell; as booked"
    )
    other_resources: str = Field(description="the rest: `amount` without the `resources`")
    guess: GuessAnswer | None
    ticket: TicketAnswer


class RemediationAnswer(BaseModel):
    """Most money first, whatever its sign; the findings sum to `unattributed`."""

    currency: str
    window: WindowAnswer
    dimension: str
    total: str
    unattributed: str
    unattributed_share: str
    findings: list[FindingAnswer]


@router.get("/remediation", response_model=RemediationAnswer, summary="Unattributed cost, ranked by money")
async def get_remediation(asked: Asked, caller: Reader, use: Use) -> Response:
    """List what has no owner, after the allocation rules: what a rule attributes is no longer listed."""
    now = use.clock()
    query, plan = usable(await planned(use.view, await question(asked, caller, use.view, now), now))
    selected = selection(query, plan.projection)
    remediation = Remediation(asked.dimension)
    async for rows in allocated_lines(use.view, use.configuration.allocation, query, plan):
        found = usable(rows) if isinstance(rows, Rejected) else rows
        remediation.add(_line(row, asked.dimension) for row in filter(selected, found) if row.amount)
    if query.source != METERED:
        # Rules and cost tables know no accounts; the details of bills do.
        known, days = await read_known(use.view), by_days(query)
        async for found in bill_lines(use.view, known, days):
            remediation.resemble(_line(row, asked.dimension) for row in filter(selection(days, FULL), found))
        # What a whole bill says of owners is not for who may see some tenants of it only.
        guessed = asked.dimension if caller.tenants is None else None
        async for resources in bill_resources(use.view, known, days, guessed):
            remediation.name(
                (_line(row, asked.dimension)._replace(resource=resource), guess)
                for row, resource, guess in resources
                if row.amount and selection(days, FULL)(row)
            )
    return answer(as_json(remediation, asked.dimension, use.configuration.currency, query.span, now))


def _line(row: CostRow, dimension: str) -> Line:
    origin = parse(row.source)
    named = zip(DIMENSIONS, row.scope, strict=True)
    return Line(
        row.scope[DIMENSIONS.index(dimension)],
        row.amount,
        provider=origin.provider,
        account="" if row.detail is None else row.detail.account,
        service=row.resource_type,
        category=origin.category or USAGE,
        tags=tuple((name, value) for name, value in named if name != dimension and value != UNATTRIBUTED),
        has_resources=False,
    )
