"""The wiring, on one page: which agents run in which process, over which topics and tables. Read this first.

    usage-metered ─> metering ─(cost-totals)─> rollup ─(budget-spend)─> budgets ─> budget-status
    billing-deltas ─> billing ──┘                 │ cost-attributed        │ budget-threshold-crossed
                        │ dead-letter             │ (closed-hours)         │
                        │                         └──────> anomaly ─> anomaly-detected
                        │ identities, meter,      │ costs      detectors   │ budgets            (tables)
                        │ bills                   │                        │
    worker ─────────────┴─────────────────────────┴────────────────────────┘
    effects   budget-status ─> flags ─> flag-changed      (table flags)
              transitions   ─> webhooks ─> endpoints      (table deliveries)
              dead-letter   ─> dead-letters ─> view

Autodiscovery hides a module that cannot be imported, so every agent is installed by hand
(`worker_agents`, `effects_agents`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app import effects_agents, processes, worker_agents
from app.adapters import kafka
from app.heartbeat import Heartbeat
from app.recovery_watch import RecoveryWatch
from app.topics import MAX_RECORD_BYTES, Topics
from app.wiring import Outside, Wiring
from domain.budgets import CONFIGURATION, SetBudget, command_event
from tables import bills as bills_table
from tables import budgets as budgets_table
from tables import costs as costs_table
from tables import deliveries as deliveries_table
from tables import detectors as detectors_table
from tables import flags as flags_table
from tables import identities as identities_table
from tables import meter as meter_table

if TYPE_CHECKING:
    from app.adapters.kafka import Publisher
    from app.settings import Configuration, Settings
    from app.wiring import Partitions

WORKER: Final = "worker"
EFFECTS: Final = "effects"
# What is written together is one record batch, larger than a broker takes by default.
CHANGELOG_CONFIG: Final = {"cleanup.policy": "compact", "max.message.bytes": str(MAX_RECORD_BYTES)}


class TopologyError(Exception):
    """The topics are not as the tables need them; one sentence for the operator."""


def identifier(role: str, topics: Topics) -> str:
    """Return the Faust app id of a role: consumer group and prefix of its changelogs."""
    return f"{topics.prefix}costguard-{role}"


def source_of_tables(topics: Topics) -> dict[str, dict[str, str]]:
    """Return by role and table the topic whose records write it: it gives the number of partitions."""
    return {
        WORKER: {
            identities_table.NAME: topics.usage_metered,
            meter_table.NAME: topics.usage_metered,
            bills_table.NAME: topics.billing_deltas,
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
    agents = worker_agents if role == WORKER else effects_agents
    agents.install(Wiring(app, topics, tables, configuration, partitions, outside))
    recovered = {source: tables[name] for name, source in sources.items()}
    processes.add_service(app, RecoveryWatch(tables.values(), outside.fatal))
    processes.add_service(app, Heartbeat(app, view=outside.view, role=role, identifier=outside.name, tables=recovered))
    return app


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
        (str(budget.scope).encode(), command_event(SetBudget(budget), agent=CONFIGURATION, now=int(now)), None)
        for budget in configuration.budgets
    ]
    await publisher.send_many(topics.budget_commands, commands)
