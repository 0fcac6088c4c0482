"""Query parameters of the routes, and how they become a question; an unknown parameter is an error, not ignored."""

import re
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.api.problems import Problem, usable
from app.typed_toml import nearest
from domain import queries
from domain.queries.asking import MAX_VALUE_CHARS, MAX_VALUES

Value = Annotated[str, Field(max_length=MAX_VALUE_CHARS)]
_Values = Annotated[
    list[Value], Field(default_factory=list, max_length=MAX_VALUES, description="one of these; repeat it for several")
]
_USAGE: Final = frozenset({"usage"})
# A plus that was not percent-encoded arrives as a blank.
_BLANK_OFFSET: Final = re.compile(r" (\d\d:\d\d)$")


async def takes_none(request: Request) -> None:
    """Refuse query parameters, for a route that has none: whoever sends one expects it to do something."""
    for name in request.query_params:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{name[:64]}: unknown parameter; {request.url.path} takes none")


class ScopeParameters(BaseModel):
    """Filters by the dimensions of a scope."""

    model_config = ConfigDict(extra="forbid")

    tenant: _Values
    environment: _Values
    feature: _Values
    service: _Values
    team: _Values

    @model_validator(mode="before")
    @classmethod
    def _know_all(cls, given: Any) -> Any:
        # Not left to `extra`: whoever mistypes a name is told the right one.
        for name in given:
            if name not in cls.model_fields:
                reason = f"{name[:64]}: unknown parameter{nearest(name, cls.model_fields)}"
                raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, reason)
        return given

    def filters(self) -> dict[str, frozenset[str]]:
        """Return what is wanted, by name."""
        given = {str(name): getattr(self, name) for name in queries.FILTERS if name in type(self).model_fields}
        return usable(queries.parse_filters(given))


class WindowParameters(ScopeParameters):
    """Filters, and the time asked about."""

    driver: _Values
    resource_type: _Values
    provider: _Values
    window: str | None = Field(None, examples=["24h"], description="15m, 1h, 24h, 7d, 30d, ... or mtd; default: 30d")
    start: str | None = Field(None, examples=["2026-11-01T00:00:00Z"], description="RFC 3339; floored to the minute")
    end: str | None = Field(None, examples=["2026-12-01T00:00:00Z"], description="RFC 3339; ceiled; default: now")
    source: Literal["metered", "billing", "billed", "best"] = Field(
        "best", description="what was metered, what was billed, or billed where there is a bill"
    )

    def span(self, now: float) -> queries.Span:
        """Return the time asked about."""
        window = "30d" if self.window is self.start is self.end is None else self.window
        return usable(queries.parse_span(window, _instant(self.start), _instant(self.end), now))


class BillingParameters(WindowParameters):
    """Filters, the time asked about, and what of bills is meant."""

    basis: Literal["billed", "effective", "contracted", "list"] = Field("billed", description="cost basis of bills")
    charge_category: list[Literal["usage", "purchase", "tax", "credit", "adjustment"]] = Field(
        default_factory=list, max_length=MAX_VALUES, description="of bills; repeat it for several; default: all"
    )

    def query(self, now: float) -> queries.CostQuery:
        """Return the question."""
        return queries.CostQuery(
            self.span(now),
            self.filters(),
            source=usable(queries.parse_source(self.source)),
            basis=self.basis,
            categories=frozenset(self.charge_category),
        )


class CostParameters(BillingParameters):
    """What `GET /costs` takes."""

    group_by: str | None = Field(
        None, examples=["tenant,feature"], description=f"comma list of {', '.join(queries.GROUPINGS)}"
    )
    account: _Values
    billing_account: _Values
    service_name: _Values
    sku: _Values
    region: _Values
    unit: _Values
    as_of: str | None = Field(
        None, examples=["2026-12-03T09:00:00Z"], description="RFC 3339; bills as they were known then; default: now"
    )
    granularity: Literal["total", "minute", "hour", "day"] = Field("total", description="one group per window of time")
    allocation: Literal["none", "rules"] = Field(
        "none", description="rules: shared cost is borne by whom the rules of the configuration name"
    )

    def query(self, now: float) -> queries.CostQuery:
        """Return the question."""
        return (
            super()
            .query(now)
            ._replace(
                group_by=usable(queries.parse_group_by(self.group_by)),
                granularity=usable(queries.parse_granularity(self.granularity)),
                as_of=usable(queries.parse_as_of(_instant(self.as_of))),
            )
        )


class RemediationParameters(BillingParameters):
    """What `GET /remediation` takes."""

    dimension: Literal["tenant", "environment", "feature", "service", "team"] = Field(
        "team", description="whose owner is missing"
    )


class ReconciliationParameters(BillingParameters):
    """What `GET /reconciliation` takes."""

    source: Literal["best"] = Field("best", description="both are compared")
    charge_category: list[Literal["usage", "purchase", "tax", "credit", "adjustment"]] = Field(
        default_factory=list, max_length=MAX_VALUES, description="of bills; repeat it for several; default: usage"
    )

    def query(self, now: float) -> queries.CostQuery:
        """Return the question."""
        found = super().query(now)
        return found._replace(categories=found.categories or _USAGE)


class AnomalyParameters(ScopeParameters):
    """What `GET /anomalies` takes."""

    since: str | None = Field(None, examples=["2026-11-01T00:00:00Z"], description="RFC 3339; only newer ones")
    status: Literal["open", "closed", "corrected", "any"] | None = Field(
        None, description="default: open and closed, without those that late data has corrected"
    )


Costs = Annotated[CostParameters, Query()]
Billing = Annotated[BillingParameters, Query()]
Remediation = Annotated[RemediationParameters, Query()]
Reconciliation = Annotated[ReconciliationParameters, Query()]
Windows = Annotated[WindowParameters, Query()]
Anomalies = Annotated[AnomalyParameters, Query()]


def _instant(text: str | None) -> str | None:
    return None if text is None else _BLANK_OFFSET.sub(r"+\1", text)
