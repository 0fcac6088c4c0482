"""The agents of a worker process: from events and bills to cost, budgets and anomalies."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from agents import anomaly, billing, budgets, metering, rollup
from agents.anomaly_told import AnomalyTopics
from agents.closing import Sweep
from app import processes
from app.adapters.ecb_rates import EcbRates
from app.partitioner import partitions_of
from app.upkeep import Upkeep
from app.view_writer import ViewWriter
from domain import cloudevents
from domain.billing.tags import TagTable
from domain.ownership import Ownership
from domain.pricing import PriceBook
from tables import bills as bills_table
from tables import budgets as budgets_table
from tables import costs as costs_table
from tables import detectors as detectors_table
from tables import identities as identities_table
from tables import meter as meter_table

if TYPE_CHECKING:
    from app.wiring import Wiring


def install(wiring: Wiring) -> None:
    """Register the agents `metering`, `billing`, `rollup`, `budgets` and `anomaly`, and what goes on beside them."""
    writer = ViewWriter(wiring.outside.view, owner=wiring.outside.name)
    rolling_up, bills = _rollup(wiring, writer), _billing(wiring, writer)
    upkeep = Upkeep(
        metering=_metering(wiring, writer, rolling_up),
        billing=bills,
        rolling_up=rolling_up,
        budgets=_budgets(wiring, writer),
        costs=wiring.tables[costs_table.NAME],
        sweep=_anomaly(wiring, writer) if wiring.configuration.anomaly.enabled else None,
    )

    async def show_all() -> None:
        await rolling_up.show_all()
        await bills.show_all()

    writer.show_all = show_all
    processes.add_service(wiring.app, writer)
    processes.add_service(wiring.app, upkeep)


def _metering(wiring: Wiring, writer: ViewWriter, rolling_up: rollup.RollingUp) -> metering.Metering:
    topics, configuration, outside = wiring.topics, wiring.configuration, wiring.outside
    meter = metering.Metering(
        topics=metering.MeteringTopics(topics.usage_metered, topics.cost_totals, topics.dead_letter),
        cells=wiring.tables[meter_table.NAME],
        ids=wiring.tables[identities_table.NAME],
        publisher=outside.publisher,
        view=writer,
        book=PriceBook.load(configuration.prices, configuration.currency),
        ownership=Ownership(configuration.owners),
        partitions=wiring.partitions[topics.cost_totals],
        rules=cloudevents.event_id(
            configuration.prices, configuration.owners, version("genai-prices"), version("costguard")
        ),
        clock=outside.clock,
        ends=lambda partition: processes.ended(wiring.app, topics.usage_metered, partition),
        newest=rolling_up.newest,
    )
    metering.install(wiring.app, channel=wiring.channel(topics.usage_metered), metering=meter, fatal=outside.fatal)
    return meter


def _billing(wiring: Wiring, writer: ViewWriter) -> billing.Billing:
    topics, configuration, outside = wiring.topics, wiring.configuration, wiring.outside
    bills = billing.Billing(
        topics=billing.BillingTopics(
            topics.billing_deltas,
            topics.cost_totals,
            topics.dead_letter,
            topics.closed_hours if configuration.anomaly.enabled else "",
        ),
        bills=wiring.tables[bills_table.NAME],
        publisher=outside.publisher,
        view=writer,
        rules=billing.Rules(
            rates=configuration.fx.rates(EcbRates()),
            currency=configuration.currency,
            tags=TagTable(configuration.tags),
            ownership=Ownership(configuration.owners),
        ),
        partitions=wiring.partitions[topics.cost_totals],
        clock=outside.clock,
    )
    billing.install(wiring.app, channel=wiring.channel(topics.billing_deltas), billing=bills, fatal=outside.fatal)
    return bills


def _rollup(wiring: Wiring, writer: ViewWriter) -> rollup.RollingUp:
    topics, outside = wiring.topics, wiring.outside
    rolling_up = rollup.RollingUp(
        topics=rollup.RollupTopics(topics.cost_totals, topics.cost_attributed, topics.budget_spend, topics.dead_letter),
        costs=wiring.tables[costs_table.NAME],
        publisher=outside.publisher,
        view=writer,
        currency=wiring.configuration.currency,
        sources=wiring.partitions[topics.usage_metered],
        clock=outside.clock,
    )
    rollup.install(wiring.app, channel=wiring.channel(topics.cost_totals), rolling_up=rolling_up, fatal=outside.fatal)
    return rolling_up


def _budgets(wiring: Wiring, writer: ViewWriter) -> budgets.Budgets:
    topics, outside = wiring.topics, wiring.outside
    commands = wiring.partitions[topics.budget_commands]
    return budgets.install(
        wiring.app,
        channel=wiring.channel(topics.budget_commands, topics.budget_spend),
        topics=topics,
        table=wiring.tables[budgets_table.NAME],
        publisher=outside.publisher,
        view=writer,
        currency=wiring.configuration.currency,
        partitions=wiring.partitions[topics.cost_totals],
        clock=outside.clock,
        fatal=outside.fatal,
        partition_of=lambda key: partitions_of([key], commands)[0],
    )


def _anomaly(wiring: Wiring, writer: ViewWriter) -> Sweep:
    topics, outside = wiring.topics, wiring.outside
    detecting = anomaly.Detecting(
        topics=AnomalyTopics(topics.anomaly_detected, topics.dead_letter),
        detectors=wiring.tables[detectors_table.NAME],
        publisher=outside.publisher,
        view=writer,
        settings=wiring.configuration.anomaly,
        currency=wiring.configuration.currency,
        partitions=wiring.partitions[topics.cost_totals],
        clock=outside.clock,
    )
    closed_hours = wiring.channel(topics.closed_hours)
    anomaly.install(wiring.app, channel=closed_hours, detecting=detecting, fatal=outside.fatal)
    fine = wiring.configuration.anomaly.fast > 0
    return Sweep(outside.publisher, topics.closed_hours, outside.clock, fine=fine)
