from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.batch import Batch
from agents.budgets import Budgets
from domain.budgets import BUDGET_DELETED, BUDGET_SET, Spend, budget_id, encode_spends
from domain.scope import DIMENSIONS, Scope, parse_filter
from tables.tenure import PartitionLostError
from tests.agents.memory_table import MemoryTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.ports import Outgoing, Record

SCOPE = "tenant=acme,feature=ai-search"
OCTOBER, NOVEMBER, DECEMBER = 1790812800, 1793491200, 1796083200
NOW = NOVEMBER + 22 * 86400
FLAGS = [{"key": "tier", "at": 0.85, "variant": "throttled"}]
BODY: dict[str, Any] = {"limit": "100", "flags": FLAGS}


@dataclass(frozen=True)
class Names:
    budget_commands: str = "budget-commands"
    budget_spend: str = "budget-spend"
    budget_threshold_crossed: str = "budget-threshold-crossed"
    budget_status: str = "budget-status"
    cost_totals: str = "cost-totals"
    dead_letter: str = "dead-letter"


@dataclass
class Log:
    """One record of an input topic."""

    topic: str
    offset: int
    value: bytes | None
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class Kafka:
    sent: defaultdict[str, list[Outgoing]] = field(default_factory=lambda: defaultdict(list))
    gate: asyncio.Event | None = None

    async def send_many(self, topic: str, records: Sequence[Outgoing]) -> Sequence[tuple[int, int]]:
        if self.gate is not None:
            await self.gate.wait()
        self.sent[topic].extend(records)
        return [(0, 0)] * len(records)


@dataclass
class Shown:
    documents: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def document(self, kind: str, name: str, document: bytes | None) -> None:
        assert kind == "budgets"
        self.documents[name] = None if document is None else orjson.loads(document)

    async def room(self) -> None:
        raise NotImplementedError

    def costs(self, partition: int, rows: Any, position: int) -> None:
        raise NotImplementedError

    def progress(self, name: str, document: bytes) -> None:
        raise NotImplementedError


class House:
    """A worker with one partition, and what it reads: two topics whose records it numbers."""

    def __init__(self, *, partitions: int = 1, partition_of: Any = None) -> None:
        self.names, self.table, self.kafka, self.view = Names(), MemoryTable(), Kafka(), Shown()
        self.now = float(NOW)
        self.offsets: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
        self.log: list[Log] = []
        self.agent = Budgets(
            topics=self.names,
            table=self.table,
            publisher=self.kafka,
            view=self.view,
            currency="USD",
            partitions=partitions,
            clock=lambda: self.now,
            partition_of=partition_of,
        )

    def record(self, topic: str, value: bytes | None) -> Log:
        record = Log(topic, next(self.offsets[topic]), value)
        self.log.append(record)
        return record

    def set_record(self, scope: str = SCOPE, **body: Any) -> Log:
        return self.record("budget-commands", command(BUDGET_SET, {"scope": scope, **BODY, **body}))

    def spend_record(
        self,
        amount: Any,
        *,
        scope: str = SCOPE,
        q: int = 0,
        version: int = 1,
        start: int = NOVEMBER,
        at: int = 0,
        step: bool = False,
        unpriced: int = 0,
    ) -> Log:
        offset = next(self.offsets[f"cost-totals-{q}"])
        identifier = budget_id(parse_filter(scope))
        spend = Spend(identifier, version, start, q, offset, Decimal(amount), at or start + 3600, step, unpriced)
        return self.record("budget-spend", encode_spends([spend]))

    def handle(self, *records: Log) -> None:
        for topic, group in itertools.groupby(records, key=lambda record: record.topic):
            taken: tuple[Record, ...] = tuple(group)
            asyncio.run(self.agent.handle(Batch(topic, 0, taken)))

    def set(self, scope: str = SCOPE, **body: Any) -> None:
        self.handle(self.set_record(scope, **body))

    def delete(self, scope: str = SCOPE) -> None:
        self.handle(self.record("budget-commands", command(BUDGET_DELETED, {"scope": scope})))

    def spend(self, amount: Any, **more: Any) -> None:
        self.handle(self.spend_record(amount, **more))

    def tick(self) -> None:
        asyncio.run(self.agent.tick())

    def events(self, topic: str = "budget-threshold-crossed") -> list[dict[str, Any]]:
        return [orjson.loads(value) for _, value, _ in self.kafka.sent[topic] if value is not None]

    def told(self) -> list[str]:
        """What was told, `v1 crossed 0.7`."""
        data = [event["data"] for event in self.events()]
        return [f"v{each['budget_version']} {each['direction']} {each['threshold']}" for each in data]

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events()]

    def status(self, scope: str = SCOPE) -> dict[str, Any]:
        shown = self.view.documents[budget_id(parse_filter(scope))]
        assert shown is not None
        return shown


def command(kind: str, data: dict[str, Any], source: str = "/test") -> bytes:
    return orjson.dumps({"specversion": "1.0", "id": "1", "source": source, "type": kind, "data": data})


@pytest.fixture
def house() -> House:
    return House()


def test_a_budget_just_set_has_a_status_for_the_period_of_now(house: House) -> None:
    house.set()
    status = house.status()
    assert (status["spent"], status["state"], status["budget_version"]) == ("0.00", "ok", 1)
    assert (status["period"]["start"], status["updated"]) == ("2026-11-01T00:00:00Z", None)
    event = house.events("budget-status")[-1]
    assert (event["type"], event["source"], event["data"]) == (
        "costguard.budget.status",
        "/costguard/budgets",
        status,
    )
    assert house.kafka.sent["budget-status"][0][0] == status["budget_id"].encode()


def test_every_owner_of_costs_is_told_to_sum_the_budget() -> None:
    house = House(partitions=3)
    house.set()
    assert [(key, owner) for key, _, owner in house.kafka.sent["cost-totals"]] == [
        (None, 0),
        (None, 1),
        (None, 2),
    ]
    control = house.events("cost-totals")[0]
    assert (control["control"], control["version"], control["deleted"]) == ("budget", 1, False)


def test_every_owner_is_asked_for_a_period_that_one_of_them_has() -> None:
    house = House(partitions=2)
    house.set()
    for amount in (1, 2):
        house.spend(amount, start=OCTOBER)
    asked = [control["instant"] for control in house.events("cost-totals") if "instant" in control]
    assert asked == [OCTOBER, OCTOBER]


def test_a_jump_from_0_to_100_percent_tells_all_thresholds_ascending_with_their_flags(house: House) -> None:
    house.set()
    house.spend(100, at=NOVEMBER + 7200)
    assert house.told() == ["v1 crossed 0.7", "v1 crossed 0.85", "v1 crossed 1"]
    assert [event["data"]["flags"] for event in house.events()] == [
        [],
        [{"key": "tier", "variant": "throttled"}],
        [],
    ]
    assert {event["time"] for event in house.events()} == {"2026-11-01T02:00:00Z"}
    assert {event["recordedtime"] for event in house.events()} == {"2026-11-23T00:00:00Z"}
    assert {key for key, _, _ in house.kafka.sent["budget-threshold-crossed"]} == {SCOPE.encode()}
    assert (house.status()["state"], house.status()["crossed"]) == ("crossed", ["0.7", "0.85", "1"])


def test_falling_back_and_rising_again_is_a_new_episode(house: House) -> None:
    house.set()
    for amount in (71, 60, 72):
        house.spend(amount)
    assert house.told() == ["v1 crossed 0.7", "v1 cleared 0.7", "v1 crossed 0.7"]
    assert [event["data"]["episode"] for event in house.events()] == [1, 1, 2]
    assert house.events()[1]["data"]["clears"] == house.ids()[0]
    assert len(set(house.ids())) == 3


def test_statuses_are_coalesced_per_batch_but_transitions_are_not(house: House) -> None:
    house.set()
    before = len(house.events("budget-status"))
    house.handle(*(house.spend_record(amount) for amount in (71, 60, 72)))
    assert house.told() == ["v1 crossed 0.7", "v1 cleared 0.7", "v1 crossed 0.7"]
    assert len(house.events("budget-status")) == before + 1


def test_the_same_definition_again_is_told_again_and_changes_nothing(house: House) -> None:
    house.set()
    house.spend(75)
    rows = dict(house.table.rows[0])
    house.set(limit="100.00", thresholds=["1", 0.85, 0.7])
    assert house.table.rows[0] == rows
    assert (house.status()["budget_version"], house.status()["spent"]) == (1, "75.00")
    assert len([control for control in house.events("cost-totals") if "instant" not in control]) == 2
    assert house.told() == ["v1 crossed 0.7"]


def test_every_partition_is_asked_once_for_a_period_that_one_of_them_has(house: House) -> None:
    house.set()
    house.spend(10)
    house.spend(20)
    asked = [control["instant"] for control in house.events("cost-totals") if "instant" in control]
    assert len(asked) == 1


def test_a_new_version_in_mid_period_ends_the_old_one_and_judges_what_is_spent(house: House) -> None:
    house.set()
    house.spend(90)
    house.set(limit="120")
    assert house.told()[2:] == ["v1 cleared 0.85", "v1 cleared 0.7", "v2 crossed 0.7"]
    assert {event["data"].get("reason") for event in house.events()[2:4]} == {"redefined"}
    assert (house.status()["budget_version"], house.status()["crossed"]) == (2, ["0.7"])
    house.spend(90, version=1)
    house.spend(102, version=2)
    assert house.told()[5:] == ["v2 crossed 0.85"]


def test_a_version_that_sums_other_periods_starts_from_nothing(house: House) -> None:
    house.set()
    house.spend(90)
    house.set(period="day")
    assert house.told()[2:] == ["v1 cleared 0.85", "v1 cleared 0.7"]
    assert (house.status()["spent"], house.status()["period"]["name"]) == ("0.00", "day")
    house.spend(95, version=1)
    assert house.status()["spent"] == "0.00"
    house.spend(70, version=2, start=NOVEMBER + 86400)
    assert house.told()[4:] == ["v2 crossed 0.7"]


def test_a_deleted_budget_clears_what_it_crossed_and_leaves_a_tombstone(house: House) -> None:
    house.set()
    house.spend(75)
    house.delete()
    assert house.told() == ["v1 crossed 0.7", "v1 cleared 0.7"]
    assert house.events("cost-totals")[-1]["deleted"] is True
    last, tombstone = house.kafka.sent["budget-status"][-2:]
    assert last[1] is not None
    data = orjson.loads(last[1])["data"]
    assert (data["state"], data["crossed"], data["spent"]) == ("deleted", [], "75.00")
    assert tombstone[:2] == (last[0], None)
    assert house.view.documents == {data["budget_id"]: None}


def test_spend_of_a_deleted_budget_is_nobodys(house: House) -> None:
    house.set()
    house.delete()
    house.spend(100)
    assert house.told() == []


def test_a_budget_set_again_after_deletion_tells_under_new_ids(house: House) -> None:
    house.set()
    house.spend(75)
    house.delete()
    house.set()
    assert (house.status()["budget_version"], house.status()["spent"]) == (2, "0.00")
    house.spend(75, version=2)
    assert house.told()[2:] == ["v2 crossed 0.7"]
    assert len(set(house.ids())) == 3


def test_deleting_what_does_not_exist_is_harmless(house: House) -> None:
    house.delete()
    assert not any(house.kafka.sent.values())


def test_a_command_that_cannot_be_read_is_a_dead_letter(house: House) -> None:
    house.handle(
        house.record("budget-commands", b"?"),
        house.set_record(limit="-1"),
        house.record("budget-spend", b"?"),
    )
    reasons = [event["data"]["reason"] for event in house.events("dead-letter")]
    assert len(reasons) == 3
    assert "limit" in reasons[1]
    assert not house.table.rows[0]


def test_a_command_in_the_wrong_partition_is_sent_to_its_owner() -> None:
    house = House(partition_of=lambda key: 1 if key == b"tenant=other" else 0)
    house.handle(house.set_record("tenant=other"), house.set_record("tenant=acme"))
    [(key, value, partition)] = house.kafka.sent["budget-commands"]
    assert (key, partition) == (b"tenant=other", None)
    assert value is not None
    assert orjson.loads(value)["data"]["scope"] == "tenant=other"
    assert list(house.view.documents) == [budget_id(parse_filter("tenant=acme"))]


def test_a_correction_of_last_month_is_told_for_last_month_only(house: House) -> None:
    house.set()
    house.spend(50)
    house.spend(80, start=OCTOBER)
    assert [event["data"]["period"]["start"] for event in house.events()] == ["2026-10-01T00:00:00Z"]
    assert (house.status()["spent"], house.status()["state"]) == ("50.00", "ok")


def test_history_is_followed_and_the_next_period_starts_from_nothing(house: House) -> None:
    house.set()
    house.spend(80, start=OCTOBER)
    assert house.status()["period"]["start"] == "2026-10-01T00:00:00Z"
    house.spend(75, q=1, start=NOVEMBER)
    assert (house.status()["period"]["start"], house.status()["spent"]) == ("2026-11-01T00:00:00Z", "75.00")
    assert house.told() == ["v1 crossed 0.7", "v1 crossed 0.7"]
    assert len(set(house.ids())) == 2


def test_rollover_is_a_status_of_its_own_though_no_event_comes(house: House) -> None:
    house.set()
    house.spend(80)
    house.now = DECEMBER - 1
    house.tick()
    statuses = len(house.events("budget-status"))
    house.now = DECEMBER
    house.tick()
    assert len(house.events("budget-status")) == statuses + 1
    assert (house.status()["period"]["start"], house.status()["spent"]) == ("2026-12-01T00:00:00Z", "0.00")
    assert house.status()["crossed"] == []
    house.tick()
    assert len(house.events("budget-status")) == statuses + 1


def test_a_deleted_budget_does_not_roll_over(house: House) -> None:
    house.set()
    house.delete()
    statuses = len(house.kafka.sent["budget-status"])
    house.now = DECEMBER
    house.tick()
    assert len(house.kafka.sent["budget-status"]) == statuses


def test_a_view_that_lost_its_memory_is_shown_everything_again(house: House) -> None:
    house.set()
    house.tick()
    house.view.documents.clear()
    house.tick()
    assert house.view.documents == {}
    house.now += 60
    house.tick()
    assert house.status()["budget_version"] == 1
    house.view.documents.clear()
    house.table.epoch += 1
    house.tick()
    assert house.status()["budget_version"] == 1


def test_periods_are_forgotten_after_their_retention(house: House) -> None:
    house.set()
    house.spend(80, start=OCTOBER)
    house.spend(10)
    house.now = OCTOBER + 401 * 86400
    asyncio.run(house.agent.expire())
    assert sum(key.startswith(b"p") for key in house.table.rows[0]) == 1


def test_a_partition_that_is_lost_stops_the_batch_and_not_the_timer(house: House) -> None:
    house.set()
    record = house.spend_record(80)
    house.table.failures = [PartitionLostError(), PartitionLostError()]
    with pytest.raises(PartitionLostError):
        house.handle(record)
    house.now = DECEMBER
    house.tick()


def test_events_are_sent_before_they_are_remembered(house: House) -> None:
    house.set()
    record = house.spend_record(80)
    house.table.failures.append(PartitionLostError())
    with pytest.raises(PartitionLostError):
        house.handle(record)
    house.handle(record)
    assert house.told() == ["v1 crossed 0.7", "v1 crossed 0.7"]
    assert len(set(house.ids())) == 1


def test_a_replay_of_parts_of_one_version_tells_nothing(house: House) -> None:
    """The rollup writes a packet in groups: totals that rise under one version."""
    house.set()
    spends = [
        Spend(budget_id(parse_filter(SCOPE)), 1, NOVEMBER, 0, 5, Decimal(amount), NOVEMBER) for amount in (50, 100)
    ]
    parts = [house.record("budget-spend", encode_spends([spend])) for spend in spends]
    house.handle(*parts)
    house.handle(*parts)
    assert house.told() == ["v1 crossed 0.7", "v1 crossed 0.85", "v1 crossed 1"]


def test_a_replay_of_commands_does_not_count_versions_again(house: House) -> None:
    house.set()
    house.set(limit="120")
    house.delete()
    house.set()
    rows = dict(house.table.rows[0])
    house.handle(*house.log)
    assert house.table.rows[0] == rows
    assert house.status()["budget_version"] == 3


def test_a_period_without_spend_is_not_looked_at(house: House) -> None:
    """The rollup opens the period of its newest data, which may be long ago."""
    house.set()
    house.spend(0, start=OCTOBER)
    assert house.status()["period"]["start"] == "2026-11-01T00:00:00Z"


def test_the_timer_waits_for_the_batch_that_is_being_handled(house: House) -> None:
    house.set()
    house.spend(10)
    house.now = DECEMBER
    record = house.spend_record(80, start=DECEMBER)

    async def both() -> None:
        house.kafka.gate = asyncio.Event()
        handling = asyncio.create_task(house.agent.handle(Batch("budget-spend", 0, (record,))))
        await asyncio.sleep(0)
        ticking = asyncio.create_task(house.agent.tick())
        await asyncio.sleep(0)
        house.kafka.gate.set()
        await asyncio.gather(handling, ticking)

    asyncio.run(both())
    spents = [event["data"]["spent"] for event in house.events("budget-status")]
    assert spents == ["0.00", "10.00", "80.00"]


SCOPE_NAMES = [names for size in range(6) for names in itertools.combinations(DIMENSIONS, size)]


@pytest.mark.parametrize("spender", SCOPE_NAMES, ids=lambda names: ",".join(names) or "nobody")
def test_every_ancestor_of_a_cost_is_evaluated(spender: tuple[str, ...]) -> None:
    """All 32 budgets exist; a cost with these labels crosses those of its ancestors and no other."""
    house = House()
    scopes = [",".join(f"{name}=x" for name in names) or "all" for names in SCOPE_NAMES]
    house.handle(*(house.set_record(scope) for scope in scopes))
    cost = Scope(**dict.fromkeys(spender, "x"))
    matching = [scope for scope in scopes if parse_filter(scope).matches(cost)]
    house.handle(*(house.spend_record(100, scope=scope) for scope in matching))
    crossed = {tuple(sorted(event["data"]["scope"])) for event in house.events()}
    ancestors = {tuple(sorted(names)) for size in range(6) for names in itertools.combinations(spender, size)}
    assert crossed == ancestors
    assert len(house.events()) == 3 * len(ancestors)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """`(partition, period start, amount)`; amounts rise and fall."""
    return draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from([OCTOBER, NOVEMBER]), st.integers(0, 60)),
            max_size=25,
        )
    )


def played(history: list[tuple[int, int, int]]) -> House:
    house = House()
    house.set_record()
    for q, start, amount in history:
        house.spend_record(amount, q=q, start=start)
    return house


@settings(max_examples=60)
@given(histories(), st.data())
def test_batches_of_any_size_tell_the_same(history: list[tuple[int, int, int]], data: st.DataObject) -> None:
    one_by_one, batched = played(history), played(history)
    for record in one_by_one.log:
        one_by_one.handle(record)
    rest = batched.log
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        batched.handle(*rest[:size])
        rest = rest[size:]
    assert batched.ids() == one_by_one.ids()
    assert batched.table.rows[0] == one_by_one.table.rows[0]


@settings(max_examples=60)
@given(histories(), st.data())
def test_a_replay_of_any_suffix_tells_nothing_new(history: list[tuple[int, int, int]], data: st.DataObject) -> None:
    house = played(history)
    house.handle(*house.log)
    told, rows = house.ids(), dict(house.table.rows[0])
    suffix = house.log[data.draw(st.integers(0, len(house.log) - 1)) :]
    house.handle(*suffix)
    assert house.ids() == told
    assert house.table.rows[0] == rows


@settings(max_examples=60)
@given(histories(), st.data())
def test_a_crash_anywhere_gives_the_same_set_of_ids(history: list[tuple[int, int, int]], data: st.DataObject) -> None:
    """Rows are committed up to some record; what comes after was sent but not remembered, and is replayed."""
    whole = played(history)
    whole.handle(*whole.log)
    house = played(history)
    committed = data.draw(st.integers(0, len(house.log)))
    acknowledged = data.draw(st.integers(0, committed))
    house.handle(*house.log[:committed])
    rows = dict(house.table.rows[0])
    house.handle(*house.log[committed:])
    house.table.rows[0] = rows
    house.handle(*house.log[acknowledged:])
    assert set(house.ids()) == set(whole.ids())
    assert house.table.rows[0] == whole.table.rows[0]


@settings(max_examples=60)
@given(histories(), st.data())
def test_n_owners_that_repeat_their_totals_do_not_inflate_spend(
    history: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    house = House()
    house.set()
    newest: dict[tuple[int, int], int] = {}
    values: list[bytes | None] = []
    for q, start, amount in history:
        record = house.spend_record(amount, q=q, start=start)
        newest[q, start] = amount
        values.append(record.value)
        house.handle(record)
        again = data.draw(st.lists(st.sampled_from(values[-3:]), max_size=2))
        house.handle(*(house.record("budget-spend", value) for value in again))
        expected = sum(amount for (_, period), amount in newest.items() if period == house_start(house))
        assert Decimal(house.status()["spent"]) == expected


def house_start(house: House) -> int:
    return OCTOBER if house.status()["period"]["start"].startswith("2026-10") else NOVEMBER


def test_a_status_counts_the_events_that_have_no_price(house: House) -> None:
    house.set()
    assert house.status()["unpriced"] == 0
    house.spend(5, q=0, unpriced=3)
    house.spend(0, q=1, unpriced=684)
    assert (house.status()["spent"], house.status()["unpriced"]) == ("5.00", 687)
