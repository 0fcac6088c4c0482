"""`GET /costs` and `GET /unit-costs` as a client sees them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from app.access_tokens import Token
from app.settings import Configuration
from app.topics import Topics
from domain.windows import DAY, HOUR, MINUTE, Granularity, Window, to_rfc3339
from tests.app.api.view_of_events import ViewOfEvents, client
from tests.domain.cost_events import FIRST, Priced

NOW = FIRST + 2 * DAY + 30.5
WHOLE: dict[str, Any] = {"start": to_rfc3339(FIRST), "end": to_rfc3339(FIRST + 3 * DAY)}
SEARCH = Priced(
    FIRST,
    ("acme", "production", "search", "ranker", "core"),
    "compute.requests",
    "request",
    Decimal(2),
    Decimal("1.10"),
)
CHAT = SEARCH._replace(
    scope=("globex", "production", "chat", "gateway", "core"),
    resource_type="third_party.llm_tokens",
    cost_unit="",
    units=Decimal(1500),
    amount=Decimal("0.0000025"),
)
LAG = {Topics("").usage_metered: 3, Topics("").cost_totals: 4}
UNKNOWN = CHAT._replace(amount=None)
EVENTS = [SEARCH, SEARCH._replace(minute=FIRST + DAY), CHAT, UNKNOWN]
SECRET = "0123456789abcdef"  # noqa: S105 - of a token that is good for this test
ACME_ONLY = Configuration(tokens=(Token("acme", SECRET, frozenset({"acme"}), frozenset({"read"})),))


async def ask(path: str, view: ViewOfEvents | None = None, **parameters: Any) -> dict[str, Any]:
    async with client(view or ViewOfEvents(EVENTS), now=NOW) as api:
        answer = await api.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def refused(path: str, *, status: int = 422, **parameters: Any) -> str:
    async with client(ViewOfEvents(EVENTS), now=NOW) as api:
        answer = await api.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


async def test_the_answer_is_the_contract_to_the_letter() -> None:
    assert await ask("/costs", group_by="tenant,driver", **WHOLE) == {
        "currency": "USD",
        "window": WHOLE,
        "total": "2.2000025",
        "groups": [
            {"key": {"tenant": "acme", "driver": "compute"}, "amount": "2.20", "units": "4", "events": 2},
            {
                "key": {"tenant": "globex", "driver": "third_party"},
                "amount": "0.0000025",
                "units": "3000",
                "events": 2,
                "unpriced": 1,
            },
        ],
        "unpriced": {"events": 1},
        "completeness": {"metered": {"watermark": None, "lag": 0}, "billed": None},
    }


async def test_nothing_spent_is_a_zero_without_groups() -> None:
    answer = await ask("/costs", tenant="nobody", **WHOLE)
    assert (answer["total"], answer["groups"], answer["unpriced"]) == ("0.00", [], {"events": 0})


async def test_keys_are_in_the_order_of_group_by() -> None:
    answer = await ask("/costs", group_by="team,tenant", **WHOLE)
    assert list(answer["groups"][0]["key"]) == ["team", "tenant"]


async def test_days_begin_where_they_begin() -> None:
    answer = await ask("/costs", granularity="day", **WHOLE)
    assert [(group["start"], group["amount"]) for group in answer["groups"]] == [
        (to_rfc3339(FIRST), "1.1000025"),
        (to_rfc3339(FIRST + DAY), "1.10"),
    ]


async def test_filters_repeat_as_alternatives_and_combine_as_conditions() -> None:
    both = await ask("/costs", tenant=["acme", "globex"], **WHOLE)
    one = await ask("/costs", tenant=["acme", "globex"], resource_type="compute.requests", **WHOLE)
    none = await ask("/costs", tenant="acme", feature="chat", **WHOLE)
    assert [each["total"] for each in (both, one, none)] == ["2.2000025", "2.20", "0.00"]


async def test_a_window_ends_now_and_says_what_it_covers() -> None:
    answer = await ask("/costs", window="24h")
    assert answer["window"]["end"] == to_rfc3339(FIRST + 2 * DAY + MINUTE)
    assert answer["total"] == "1.10"


async def test_edges_within_a_minute_take_in_the_whole_minute() -> None:
    start, end = to_rfc3339(FIRST).replace("00Z", "30.5Z"), to_rfc3339(FIRST).replace("00Z", "31Z")
    answer = await ask("/costs", start=start, end=end)
    assert answer["window"] == {"start": to_rfc3339(FIRST), "end": to_rfc3339(FIRST + MINUTE)}
    assert answer["total"] == "1.1000025"


async def test_nothing_is_billed_and_the_best_is_metered() -> None:
    totals = [(await ask("/costs", source=source, **WHOLE))["total"] for source in ("metered", "billed", "best")]
    assert totals == ["2.2000025", "0.00", "2.2000025"]


async def test_a_grouped_question_reads_the_narrowest_projection() -> None:
    view = ViewOfEvents(EVENTS)
    await ask("/costs", view, feature="search", group_by="tenant", **WHOLE)
    assert view.asked == {"tenant+feature"}


async def test_completeness_tells_the_newest_event_and_what_is_on_its_way() -> None:
    lag = {**LAG, Topics("").billing_deltas: 2, "other": 5}
    worker: dict[str, Any] = {"role": "worker", "ready": True, "at": NOW, "lag": lag}
    worker["partitions"] = {Topics("").usage_metered: [0, 1]}
    progress = {
        "meter:0": orjson.dumps({"offset": 1, "totals": {}, "watermark": FIRST}),
        "meter:1": orjson.dumps({"offset": 1, "totals": {}, "watermark": FIRST + DAY}),
        "rollup:0": orjson.dumps({"offset": 7}),
    }
    stale = {**worker, "at": NOW - HOUR}
    documents = {"progress": progress, "workers": {"a": orjson.dumps(worker), "b": orjson.dumps(stale)}}
    answer = await ask("/costs", ViewOfEvents(EVENTS, documents), **WHOLE)
    assert answer["completeness"]["metered"] == {"watermark": to_rfc3339(FIRST + DAY), "lag": 9}

    moved = {**worker, "partitions": {Topics("").usage_metered: [1]}}
    documents["workers"]["a"] = orjson.dumps(moved)
    answer = await ask("/costs", ViewOfEvents(EVENTS, documents), **WHOLE)
    assert answer["completeness"]["metered"]["moving"] is True


@pytest.mark.parametrize(("name", "age", "rebuilding"), [("a", 0, True), ("a", HOUR, None), ("b", 0, None)])
async def test_figures_are_said_to_be_written_anew_while_a_living_worker_does(
    *, name: str, age: int, rebuilding: bool | None
) -> None:
    worker = {"role": "worker", "ready": True, "at": NOW - age}
    documents = {"progress": {f"showing:{name}": b"{}"}, "workers": {"a": orjson.dumps(worker)}}
    answer = await ask("/costs", ViewOfEvents(EVENTS, documents), **WHOLE)
    assert answer["completeness"]["metered"].get("rebuilding") is rebuilding


async def test_forgotten_minutes_are_answered_by_their_hour_which_is_said() -> None:
    view = ViewOfEvents([SEARCH])
    view.forgotten = {Window(Granularity.MINUTE, FIRST + at * MINUTE) for at in range(60)}
    async with client(view, now=FIRST + 50 * DAY) as api:
        parameters = {"start": to_rfc3339(FIRST), "end": to_rfc3339(FIRST + MINUTE)}
        answer = (await api.get("/costs", params=parameters)).json()
    assert answer["window"] == {"start": to_rfc3339(FIRST), "end": to_rfc3339(FIRST + HOUR)}
    assert answer["total"] == "1.10"


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"windwo": "1h"}, "windwo: unknown parameter; did you mean window?"),
        ({"tenants": "acme"}, "did you mean tenant?"),
        ({"window": "soon"}, "window"),
        ({"group_by": "customer"}, "group_by"),
        ({"granularity": "week"}, "granularity"),
        ({"source": "guess"}, "source"),
        ({"driver": "computer"}, "driver"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": [f"t{at}" for at in range(51)]}, "tenant"),
        ({"start": "yesterday", "end": "2026-06-01T00:00:00Z"}, "start"),
        ({"window": "7d", "granularity": "minute"}, "window"),
        ({"start": "1970-01-01T00:00:00Z", "end": "2199-01-01T00:00:00Z"}, "window"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(parameters: dict[str, Any], named: str) -> None:
    assert named in await refused("/costs", **parameters)


@pytest.mark.parametrize("path", ["/costs", "/unit-costs"])
async def test_a_token_bound_to_a_tenant_sees_that_tenant_only(path: str) -> None:
    events = [SEARCH, CHAT._replace(cost_unit="request")]
    async with client(ViewOfEvents(events), now=NOW, configuration=ACME_ONLY) as api:
        bearer = {"authorization": f"Bearer {SECRET}"}
        mine = await api.get(path, params={**WHOLE}, headers=bearer)
        other = await api.get(path, params={"tenant": "globex", **WHOLE}, headers=bearer)
        nobody = await api.get(path, params=WHOLE)
    assert mine.status_code == 200
    assert mine.json().get("total", "1.10") == "1.10"
    assert "chat" not in mine.text
    assert (other.status_code, nobody.status_code) == (403, 401)


async def test_unit_costs_divide_and_compare_with_the_time_before() -> None:
    day_two = {"start": to_rfc3339(FIRST + DAY), "end": to_rfc3339(FIRST + 2 * DAY)}
    dearer = SEARCH._replace(minute=FIRST + DAY, amount=Decimal("2.20"))
    assert await ask("/unit-costs", ViewOfEvents([SEARCH, dearer, CHAT]), **day_two) == {
        "currency": "USD",
        "window": day_two,
        "features": [
            {
                "feature": "search",
                "unit": "request",
                "count": "1",
                "cost": "2.20",
                "unit_cost": "2.20",
                "trend_percent": "100",
            }
        ],
    }


async def test_unit_costs_take_the_filters_of_costs() -> None:
    answer = await ask("/unit-costs", tenant="globex", **WHOLE)
    assert [(each["feature"], each["unit"]) for each in answer["features"]] == [("chat", "1k_tokens")]
    assert "group_by: unknown parameter" in await refused("/unit-costs", group_by="tenant")
