"""Two days of a company: what it used, and what the shared platform was billed for."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from app.configuration import parse_configuration
from domain.billing.details import DetailKey, DetailRow
from domain.billing.known import encode_lines
from domain.sources import BASES, parse
from domain.windows import DAY, HOUR, floor, to_rfc3339
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


def details(events: list[Priced], skus: tuple[str, str | None] = ("", None)) -> dict[str, dict[str, bytes]]:
    """Return what bills among the events say, as single rows that came long ago; `skus` are SKU and quantity."""
    found: dict[str, dict[str, bytes]] = {}
    for number, event in enumerate(events):
        origin = parse(event.source)
        if origin.kind != "billed":
            continue
        day = floor(event.minute, DAY)
        key = DetailKey(
            day, *event.scope, event.resource_type, origin.provider, origin.category, "", "", "", skus[0], "", "Hrs"
        )
        told = {basis: event.amount if basis == origin.basis else None for basis in BASES}
        quantity = None if skus[1] is None else Decimal(skus[1])
        row = DetailRow(0, 1, quantity, (told["billed"], told["effective"], told["contracted"], told["list"]))
        found.setdefault(f"bill:{day}", {})[f"0:0:@{number}"] = encode_lines([(key, row)])
    return found


async def answered(path: str, config: str = RULES, events: list[Priced] | None = None, **parameters: Any) -> Any:
    answer = await response(path, config, events, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def response(
    path: str,
    config: str,
    events: list[Priced] | None,
    *,
    secret: str | None = None,
    skus: tuple[str, str | None] = ("", None),
    **parameters: Any,
) -> httpx.Response:
    happened = USED + BILLED if events is None else events
    view = ViewOfEvents(happened, COMPLETE | details(happened, skus))
    async with client(view, now=NOW, configuration=parse_configuration(config, Path())) as api:
        headers = {"authorization": f"Bearer {secret}"} if secret else None
        return await api.get(path, params=WHOLE | parameters, headers=headers)
