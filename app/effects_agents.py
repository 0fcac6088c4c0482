"""The agents of the effects process: what changes outside when a budget is crossed or an anomaly is found."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from agents import dead_letters, flags, metrics, webhooks, webhooks_sender
from app.adapters.webhooks import WebhookTransport
from tables import deliveries as deliveries_table
from tables import flags as flags_table

if TYPE_CHECKING:
    from app.wiring import Wiring


def install(wiring: Wiring) -> None:
    """Register the agents `webhooks`, `flags` and `dead-letters`, and the sender of webhooks."""
    _webhooks(wiring)
    _flags(wiring)
    letters = dead_letters.DeadLetters(view=wiring.outside.view, count=_count_letters)
    channel = wiring.channel(wiring.topics.dead_letter)
    dead_letters.install(wiring.app, channel=channel, dead_letters=letters, fatal=wiring.outside.fatal)


def _webhooks(wiring: Wiring) -> None:
    topics, outside = wiring.topics, wiring.outside
    subscriptions = wiring.configuration.webhooks
    deliveries = wiring.tables[deliveries_table.NAME]
    sender = webhooks_sender.Sender(
        subscriptions={subscription.name: subscription for subscription in subscriptions},
        table=deliveries,
        publisher=outside.publisher,
        dead_letters=topics.dead_letter,
        transport=WebhookTransport(),
        clock=outside.clock,
        chance=random.SystemRandom().random,
    )
    intake = webhooks.Intake(
        subscriptions=subscriptions,
        table=deliveries,
        publisher=outside.publisher,
        dead_letters=topics.dead_letter,
        queue=sender.queue,
        clock=outside.clock,
    )
    transitions = wiring.channel(topics.budget_threshold_crossed, topics.flag_changed, topics.anomaly_detected)
    webhooks.install(wiring.app, channel=transitions, intake=intake, fatal=outside.fatal)
    webhooks_sender.install(wiring.app, sender)


def _flags(wiring: Wiring) -> None:
    topics, outside = wiring.topics, wiring.outside
    switching = flags.Flags(
        table=wiring.tables[flags_table.NAME],
        publisher=outside.publisher,
        view=outside.view,
        flag_changed=topics.flag_changed,
        dead_letters=topics.dead_letter,
        clock=outside.clock,
    )
    flags.install(wiring.app, channel=wiring.channel(topics.budget_status), flags=switching, fatal=outside.fatal)


def _count_letters(reason: str, letters: int) -> None:
    metrics.DEAD_LETTERS.labels(reason).inc(letters)
