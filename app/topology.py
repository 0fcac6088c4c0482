"""The wiring, on one page: which agents run in which process, over which topics and tables. Read this first.

    usage-metered ──> metering ──(cost-totals)──> rollup ──(budget-spend)──> budgets ──> budget-status
                        │ dead-letter                │ cost-attributed          │ budget-threshold-crossed
                        │ tables: identities, meter  │ table: costs             │ table: budgets
    worker ─────────────┴────────────────────────────┴──────────────────────────┘
    effects: budget-status ──> flags ──> flag-changed; transitions ──> webhooks; dead-letter ──> dead_letters

Autodiscovery hides a module that cannot be imported, so every agent is installed here by hand.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import faust

from agents import budgets, dead_letters, flags, metering, rollup, webhooks, webhooks_sender
from app.adapters import kafka
from app.adapters.embedded_broker import EmbeddedTransport
from app.adapters.faust_transport import Transport
from app.adapters.redis_view import RedisView
from app.batching import BatchingScheduler
from app.topics import MAX_RECORD_BYTES, Topics
from app.view_writer import ViewWriter
from domain.ownership import Ownership, Owner, parse_codeowners
from domain.pricing import PriceBook
from tables import budgets as budgets_table
from tables import costs as costs_table
from tables import deliveries as deliveries_table
from tables import flags as flags_table
from tables import identities as identities_table
from tables import meter as meter_table
from tables.ledger import ROCKSDB_OPTIONS, LedgerTable

if TYPE_CHECKING:
    from app.settings import Configuration, Settings

WORKER: Final = "worker"
EFFECTS: Final = "effects"
TABLES: Final = {
    WORKER: (identities_table.NAME, meter_table.NAME, costs_table.NAME, budgets_table.NAME),
    EFFECTS: (deliveries_table.NAME, flags_table.NAME),
}
_CHANGELOG: Final = {"cleanup.policy": "compact", "max.message.bytes": "1048588"}
