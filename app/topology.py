"""The wiring, on one page: which agents run in which process, over which topics and tables. Read this first.

    usage-metered ─> metering ─(cost-totals)─> rollup ─(budget-spend)─> budgets ─> budget-status
                        │ dead-letter             │ cost-attributed        │ budget-threshold-crossed
                        │ identities, meter       │ costs                  │ budgets            (tables)
    worker ─────────────┴─────────────────────────┴────────────────────────┘
    effects   budget-status ─> flags ─> flag-changed      (table flags)
              transitions   ─> webhooks ─> endpoints      (table deliveries)
              dead-letter   ─> dead-letters ─> view

Autodiscovery hides a module that cannot be imported, so every agent is installed here by hand.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from agents import anomaly, budgets, dead_letters, flags, metering, metrics, rollup, webhooks, webhooks_sender
from agents.closing import Sweep
from app import processes
from app.adapters import kafka
from app.adapters.webhooks import WebhookTransport
from app.heartbeat import Heartbeat
from app.partitioner import partitions_of
from app.topics import Topics
from app.upkeep import Upkeep
from app.view_writer import ViewWriter
from domain import cloudevents
from domain.budgets import SetBudget, command_event
from domain.ownership import Ownership
from domain.pricing import PriceBook
from tables import budgets as budgets_table
from tables import costs as costs_table
from tables import deliveries as deliveries_table
from tables import detectors as detectors_table
from tables import flags as flags_table
from tables import identities as identities_table
from tables import meter as meter_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agents.ports import Clock
    from app.adapters.kafka import Publisher
    from app.adapters.redis_view import RedisView
    from app.settings import Configuration, Settings

WORKER: Final = "worker"
EFFECTS: Final = "effects"
CHANGELOG_CONFIG: Final = {"cleanup.policy": "compact"}


class TopologyError(Exception):
    """The topics are not as the tables need them; one sentence for the operator."""


Partitions = dict[str, int]


@dataclass(frozen=True)
class Outside:
    """What an app needs from outside; `name` tells processes apart, across machines. Tests pass fakes."""

    name: str
    publisher: Publisher
    view: RedisView
    clock: Clock
    fatal: Callable[[BaseException], None]


def identifier(role: str, topics: Topics) -> str:
    """Return the Faust app id of a role: consumer group and prefix of its changelogs."""
    return f"{topics.prefix}costguard-{role}"


def source_of_tables(topics: Topics) -> dict[str, dict[str, str]]:
    """Return by role and table the topic whose records write it: it gives the number of partitions."""
    return {
        WORKER: {
            identities_table.NAME: topics.usage_metered,
            meter_table.NAME: topics.usage_metered,
            costs_table.NAME: topics.cost_totals,
            budgets_table.NAME: topics.budget_commands,
            detectors_table.NAME: topics.closed_hours,
        },
        EFFECTS: {
            deliveries_table.NAME: topics.budget_threshold_crossed,
            flags_table.NAME: topics.budget_status,
        },
    }


def create_app(
    role: str,
    settings: Settings,
    configuration: Configuration,
    *,
    index: int,
    partitions: Partitions,
    outside: Outside,
) -> processes.App:
    """Build the Faust app of a role; nothing is started."""
    topics = Topics(settings.topic_prefix)
    sources = source_of_tables(topics)[role]
    app = processes.build(
        identifier(role, topics),
        bootstrap=settings.bootstrap,
        embedded_broker=settings.embedded_broker,
        data_dir=settings.data_dir / "tables" / f"{role}-{index}",
        batched={*topics.all(), *(processes.changelog_of(identifier(role, topics), name) for name in sources)},
        session_timeout=settings.session_timeout,
        standby_replicas=settings.standby_replicas,
    )
    tables = {name: processes.table(app, name, partitions[source]) for name, source in sources.items()}
    for table in tables.values():
        table.bind(outside.publisher, outside.fatal)
    install = _install_worker if role == WORKER else _install_effects
    install(app, topics, tables, configuration, partitions, outside)
    recovered = {source: tables[name] for name, source in sources.items()}
    processes.add_service(app, Heartbeat(app, view=outside.view, role=role, identifier=outside.name, tables=recovered))
    return app


def _channel(app: processes.App, *topics: str) -> Any:
    return app.topic(*topics, key_type=bytes, value_type=bytes)


def _install_worker(
    app: processes.App,
    topics: Topics,
    tables: Mapping[str, Any],
    configuration: Configuration,
    partitions: Partitions,
    outside: Outside,
) -> None:
    writer = ViewWriter(outside.view, owner=outside.name)
    meter = metering.Metering(
        topics=metering.MeteringTopics(topics.usage_metered, topics.cost_totals, topics.dead_letter),
        cells=tables[meter_table.NAME],
        ids=tables[identities_table.NAME],
        publisher=outside.publisher,
        view=writer,
        book=PriceBook.load(configuration.prices, configuration.currency),
        ownership=Ownership(configuration.owners),
        partitions=partitions[topics.cost_totals],
        rules=cloudevents.event_id(
            configuration.prices, configuration.owners, version("genai-prices"), version("costguard")
        ),
        clock=outside.clock,
    )
    metering.install(app, channel=_channel(app, topics.usage_metered), metering=meter, fatal=outside.fatal)
    rolling_up = rollup.RollingUp(
        topics=rollup.RollupTopics(topics.cost_totals, topics.cost_attributed, topics.budget_spend),
        costs=tables[costs_table.NAME],
        publisher=outside.publisher,
        view=writer,
        currency=configuration.currency,
        clock=outside.clock,
    )
    rollup.install(app, channel=_channel(app, topics.cost_totals), rolling_up=rolling_up, fatal=outside.fatal)
    budgeting = budgets.install(
        app,
        channel=_channel(app, topics.budget_commands, topics.budget_spend),
        topics=topics,
        table=tables[budgets_table.NAME],
        publisher=outside.publisher,
        view=writer,
        currency=configuration.currency,
        partitions=partitions[topics.cost_totals],
        clock=outside.clock,
        fatal=outside.fatal,
        partition_of=lambda key: partitions_of([key], partitions[topics.budget_commands])[0],
    )
    if configuration.anomaly.enabled:
        _install_anomaly(app, topics, tables, configuration, partitions, outside, writer)
    writer.show_all = rolling_up.show_all
    processes.add_service(app, writer)
    processes.add_service(
        app,
        Upkeep(
            metering=meter,
            rolling_up=rolling_up,
            budgets=budgeting,
            costs=tables[costs_table.NAME],
            sweep=Sweep(outside.publisher, topics.closed_hours, outside.clock)
            if configuration.anomaly.enabled
            else None,
        ),
    )


def _install_anomaly(
    app: processes.App,
    topics: Topics,
    tables: Mapping[str, Any],
    configuration: Configuration,
    partitions: Partitions,
    outside: Outside,
    writer: ViewWriter,
) -> None:
    detecting = anomaly.Detecting(
        topics=anomaly.AnomalyTopics(topics.anomaly_detected, topics.dead_letter),
        detectors=tables[detectors_table.NAME],
        publisher=outside.publisher,
        view=writer,
        settings=configuration.anomaly,
        currency=configuration.currency,
        partitions=partitions[topics.cost_totals],
        clock=outside.clock,
    )
    anomaly.install(app, channel=_channel(app, topics.closed_hours), detecting=detecting, fatal=outside.fatal)


def _install_effects(
    app: processes.App,
    topics: Topics,
    tables: Mapping[str, Any],
    configuration: Configuration,
    partitions: Partitions,
    outside: Outside,
) -> None:
    del partitions
    subscriptions = configuration.webhooks
    sender = webhooks_sender.Sender(
        subscriptions={subscription.name: subscription for subscription in subscriptions},
        table=tables[deliveries_table.NAME],
        publisher=outside.publisher,
        dead_letters=topics.dead_letter,
        transport=WebhookTransport(),
        clock=outside.clock,
        chance=random.SystemRandom().random,
    )
    intake = webhooks.Intake(
        subscriptions=subscriptions,
        table=tables[deliveries_table.NAME],
        publisher=outside.publisher,
        dead_letters=topics.dead_letter,
        queue=sender.queue,
        clock=outside.clock,
    )
    transitions = _channel(app, topics.budget_threshold_crossed, topics.flag_changed, topics.anomaly_detected)
    webhooks.install(app, channel=transitions, intake=intake, fatal=outside.fatal)
    webhooks_sender.install(app, sender)
    switching = flags.Flags(
        table=tables[flags_table.NAME],
        publisher=outside.publisher,
        view=outside.view,
        flag_changed=topics.flag_changed,
        dead_letters=topics.dead_letter,
        clock=outside.clock,
    )
    flags.install(app, channel=_channel(app, topics.budget_status), flags=switching, fatal=outside.fatal)
    letters = dead_letters.DeadLetters(view=outside.view, count=_count_letters)
    dead_letters.install(app, channel=_channel(app, topics.dead_letter), dead_letters=letters, fatal=outside.fatal)


def _count_letters(reason: str, letters: int) -> None:
    metrics.DEAD_LETTERS.labels(reason).inc(letters)


async def ensure_topics(settings: Settings) -> Partitions:
    """Create the missing topics, changelogs last, and return the number of partitions of each.

    Raises `TopologyError` when a changelog and the topic behind its table disagree: somebody re-partitioned one.
    """
    topics = Topics(settings.topic_prefix)
    # One client's view of the cluster: another broker may not know a topic yet that was just created.
    create = kafka.create_topics
    shared, copies = topics.all(), settings.replication
    alone = {topics.closed_hours: shared.pop(topics.closed_hours)}
    partitions = await create(settings.bootstrap, shared, partitions=settings.partitions, replication=copies)
    # Detection sees everything at once.
    partitions |= await create(settings.bootstrap, alone, partitions=1, replication=copies)
    for role, tables in source_of_tables(topics).items():
        for table, source in tables.items():
            changelog = processes.changelog_of(identifier(role, topics), table)
            found = await create(
                settings.bootstrap,
                {changelog: CHANGELOG_CONFIG},
                partitions=partitions[source],
                replication=settings.replication,
            )
            if found[changelog] != partitions[source]:
                raise TopologyError(
                    f"topic {changelog} has {found[changelog]} partitions, but {source} has {partitions[source]}: "
                    "see docs/runbooks/repartition.md"
                )
    return partitions


async def publish_budgets(configuration: Configuration, topics: Topics, publisher: Publisher, now: float) -> None:
    """Send the budgets of the configuration as commands; one that is set already like that changes nothing."""
    commands = [
        (str(budget.scope).encode(), command_event(SetBudget(budget), agent="configuration", now=int(now)), None)
        for budget in configuration.budgets
    ]
    await publisher.send_many(topics.budget_commands, commands)
