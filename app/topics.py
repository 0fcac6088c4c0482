"""The names of every topic, and how each is created: partitions, retention, compaction.

Three topics are internal and change without notice: `cost-totals` (running totals from meter to rollup),
`budget-spend` (partial spend from rollup to budgets) and `closed-hours` (from rollup to detection; one partition).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# An event may be large (attributes, traces); one that is larger is refused by the broker, not by us.
MAX_RECORD_BYTES: Final = 8 * 1024 * 1024
_LARGE: Final = {"max.message.bytes": str(MAX_RECORD_BYTES)}
_COMPACT: Final = {"cleanup.policy": "compact"}


@dataclass(frozen=True)
class Topics:
    """Topic names under one prefix."""

    prefix: str = ""

    @property
    def usage_metered(self) -> str:
        """Usage events from outside."""
        return f"{self.prefix}usage-metered"

    @property
    def billing_deltas(self) -> str:
        """Billing rows from outside."""
        return f"{self.prefix}billing-deltas"

    @property
    def cost_attributed(self) -> str:
        """Running totals for everybody."""
        return f"{self.prefix}cost-attributed"

    @property
    def budget_commands(self) -> str:
        """Budgets set and deleted."""
        return f"{self.prefix}budget-commands"

    @property
    def budget_status(self) -> str:
        """State of every budget, compacted."""
        return f"{self.prefix}budget-status"

    @property
    def budget_threshold_crossed(self) -> str:
        """Transitions of budgets."""
        return f"{self.prefix}budget-threshold-crossed"

    @property
    def anomaly_detected(self) -> str:
        """Anomalies."""
        return f"{self.prefix}anomaly-detected"

    @property
    def flag_changed(self) -> str:
        """Flags whose variant changed."""
        return f"{self.prefix}flag-changed"

    @property
    def dead_letter(self) -> str:
        """What could not be used, and why."""
        return f"{self.prefix}dead-letter"

    @property
    def cost_totals(self) -> str:
        """Internal: meter to rollup."""
        return f"{self.prefix}costguard-cost-totals"

    @property
    def budget_spend(self) -> str:
        """Internal: rollup to budgets."""
        return f"{self.prefix}costguard-budget-spend"

    @property
    def closed_hours(self) -> str:
        """Internal: rollup to detection, and what people say of anomalies; one partition."""
        return f"{self.prefix}costguard-closed-hours"

    def all(self) -> dict[str, dict[str, str]]:
        """Every topic with the configuration it is created with; changelogs are the tables' own."""
        return {
            self.usage_metered: _LARGE,
            self.billing_deltas: _LARGE,
            self.cost_attributed: {},
            self.budget_commands: {},
            self.budget_status: _COMPACT,
            self.budget_threshold_crossed: {},
            self.anomaly_detected: {},
            self.flag_changed: {},
            self.dead_letter: {},
            self.cost_totals: {},
            self.budget_spend: {},
            self.closed_hours: {},
        }
