"""The query parameters that `GET /costs` and `GET /unit-costs` share, and what a caller may see of the answer."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from app.access_tokens import Token
from app.api.problems import Problem, accepted, unusable
from app.typed_toml import nearest
from domain.queries import DRIVER, GROUPINGS
from domain.time_ranges import TimeRange, parse_range
from domain.usage import DRIVERS

MAX_VALUES: Final = 50
TENANT: Final = "tenant"


class CostParameters(BaseModel):
    """Filters and the stretch of time; one value of each filter must be met."""

    model_config = ConfigDict(extra="forbid")

    tenant: list[str] = Field(default=[], description="Repeatable; what nobody attributed is `unattributed`")
    environment: list[str] = Field(default=[], description="Repeatable")
    feature: list[str] = Field(default=[], description="Repeatable")
    service: list[str] = Field(default=[], description="Repeatable")
    team: list[str] = Field(default=[], description="Repeatable")
    driver: list[str] = Field(default=[], description=f"Repeatable; one of {', '.join(DRIVERS)}")
    resource_type: list[str] = Field(default=[], description="Repeatable, such as `compute.cpu_seconds`")
    window: str | None = Field(
        default=None, description="`15m 1h 24h 7d 30d mtd`; default `24h`", examples=["24h"]
    )
    start: str | None = Field(default=None, description="RFC 3339, with `end` instead of `window`; whole minutes")
    end: str | None = Field(default=None, description="RFC 3339, exclusive; whole minutes")

    def filters(self, token: Token | None) -> dict[str, frozenset[str]]:
        """Return the filters that are set, and for a token bound to tenants the restriction to those."""
        filters = {name: frozenset(values) for name in GROUPINGS if (values := getattr(self, name))}
        for name, values in filters.items():
            _check(name, values)
        return filters if token is None or token.tenants is None else _bound(filters, token.tenants)

    def during(self, now: float) -> TimeRange:
        """Return the stretch of time."""
        return accepted(parse_range(self.window, self.start, self.end, now))


def _check(name: str, values: frozenset[str]) -> None:
    if len(values) > MAX_VALUES:
        raise unusable(f"{name} has {len(values)} values; at most {MAX_VALUES} can be asked for at once")
    if "" in values:
        raise unusable(f"{name} is empty; what nobody attributed is {name}=unattributed")
    for value in sorted(values) if name == DRIVER else ():
        if value not in DRIVERS:
            raise unusable(f"driver {value!r} is not known{nearest(value, DRIVERS)}")


def _bound(filters: Mapping[str, frozenset[str]], tenants: frozenset[str]) -> dict[str, frozenset[str]]:
    asked = filters.get(TENANT, tenants)
    if not asked <= tenants:
        foreign = ", ".join(sorted(asked - tenants))
        raise Problem(HTTPStatus.FORBIDDEN, f"this token is not for tenant {foreign}")
    return {**filters, TENANT: asked}
