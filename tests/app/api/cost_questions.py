"""Two days of a company: what it used, and what the shared platform was billed for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from app.configuration import parse_configuration
from domain.windows import DAY, HOUR, to_rfc3339
from tests.app.api.view_of_events import ViewOfEvents, client
from tests.domain.cost_events import FIRST, Priced

if TYPE_CHECKING:
    import httpx

NOW = FIRST + 2 * DAY + 30.5
WHOLE: dict[str, Any] = {"start": to_rfc3339(FIRST), "end": to_rfc3339(FIRST + 2 * DAY)}
UNKNOWN = "unattributed"
AWS = "billed/aws/{}/{}"
SECRET = "0123456789abcdef"  # noqa: S105 - of a token that is good for these tests
ACME_ONLY = f'[tokens.acme]\nsecret = "{SECRET}"\ntenants = ["acme"]\n'
RULES = """
[[allocation]]
id = "platform"
version = 3
driver = "requests"
select = { service = "platform" }
among = { environment = "production" }
"""


def used(tenant: str, units: int, *, at: int = 0, amount: str = "0", **more: Any) -> Priced:
    scope = (tenant, "production", "search", "ranker", more.pop("team", "core"))
    found = Priced(FIRST + at, scope, "compute.requests", "request", Decimal(units), Decimal(amount))
    return found._replace(**more)


def billed(amount: str, *, at: int = 0, service: str = "platform", basis: str = "billed", **more: Any) -> Priced:
    scope = (UNKNOWN, UNKNOWN, UNKNOWN, service, more.pop("team", UNKNOWN))
    source = AWS.format(basis, more.pop("category", "usage"))
    return Priced(FIRST + at, scope, "compute.amazon_ec2", "", Decimal(0), Decimal(amount), source)._replace(**more)


# On the first day a quarter of the requests is acme's, and none of them at the hour of the platform's charge.
USED = [used("acme", 1), used("globex", 3, at=5 * HOUR), used("acme", 4, at=DAY)]
BILLED = [billed("10.00", at=3 * HOUR), billed("7.00", at=DAY), billed("5.00", service="ranker", at=HOUR)]
COMPLETE = {"progress": {"bills:0": orjson.dumps({"complete_until": {"aws": {"1": FIRST + DAY}}})}}


async def answered(path: str, config: str = RULES, events: list[Priced] | None = None, **parameters: Any) -> Any:
    answer = await response(path, config, events, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def response(
    path: str, config: str, events: list[Priced] | None, *, secret: str | None = None, **parameters: Any
) -> httpx.Response:
    view = ViewOfEvents(USED + BILLED if events is None else events, COMPLETE)
    async with client(view, now=NOW, configuration=parse_configuration(config, Path())) as api:
        headers = {"authorization": f"Bearer {secret}"} if secret else None
        return await api.get(path, params=WHOLE | parameters, headers=headers)
