"""What commands and spend do to budgets: rows to commit and records to send, as one value.

Every record is evaluated by itself, in order, so batches of any size tell the same transitions; statuses
are coalesced. Replayed records find their offset in the rows and change nothing. A command that comes again
is told again (control record and status), in case a crash came before the first time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec
import orjson

from domain import budgets, cloudevents
from domain.rejection import Rejected
from domain.windows import HOUR
from tables.budgets import BudgetRow, Draft, PeriodRow, StepRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agents.ports import Outgoing, Record
    from domain.budgets import Budget, Foreseen, Spend, ThresholdCrossed
    from domain.periods import Period
    from domain.scope import ScopeFilter
    from tables.budgets import Reader

AGENT: Final = "budgets"
_UNFOLDED: Final = -1


@dataclass
class Outcome:
    """What is to be sent, and the rows to commit after that.

    `control` goes to every partition of `cost-totals`; `misplaced` are commands for `budget-commands`, by
    scope; `documents` are by budget id. Each transition comes with what caused it, for the log.
    """

    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    transitions: list[tuple[ThresholdCrossed, str]] = field(default_factory=list)
    crossed: list[Outgoing] = field(default_factory=list)
    statuses: list[Outgoing] = field(default_factory=list)
    control: list[bytes] = field(default_factory=list)
    misplaced: list[Outgoing] = field(default_factory=list)
    rejected: list[tuple[Record, str]] = field(default_factory=list)
    documents: dict[str, bytes | None] = field(default_factory=dict)


class Fold:
    """Takes records of one partition one by one; `outcome` ends it.

    `now` is the wall clock (epoch seconds); `at_home` tells whether the budget of a scope belongs to this
    partition.
    """

    def __init__(
        self,
        reader: Reader,
        *,
        currency: str,
        now: int,
        at_home: Callable[[ScopeFilter], bool] = lambda _: True,
    ) -> None:
        self._draft = Draft(reader)
        self._currency = currency
        self._now = now
        self._at_home = at_home
        self._changed: dict[str, None] = {}
        self._outcome = Outcome()
        self._cause = ""

    def command(self, record: Record) -> None:
        """Set or delete a budget."""
        self._cause = f"budget-commands@{record.offset}"
        command = budgets.parse_command(record.value, record.headers, self._currency)
        if isinstance(command, Rejected):
            self._reject(record, command.reason)
        elif not self._at_home(command.scope):
            # Its producer partitions differently; two owners of one budget would tell everything twice.
            event = budgets.structured(record.value or b"", record.headers)
            self._outcome.misplaced.append((str(command.scope).encode(), event, None))
        elif isinstance(command, budgets.SetBudget):
            self._set(command, record.offset)
        else:
            self._delete(command.scope, record.offset)

    def spend(self, record: Record) -> None:
        """Post what a partition of `cost-totals` has of some budgets."""
        try:
            spends = budgets.decode_spends(record.value or b"")
        except (msgspec.DecodeError, ArithmeticError, RecursionError) as error:
            self._reject(record, f"not the spend of budgets: {error}")
            return
        for spend in spends:
            self._cause = f"cost-totals[{spend.partition}]@{spend.slot_version}"
            if spend.step:
                self._post_step(spend, record.offset)
            else:
                self._post(spend, record.offset)

    def roll_over(self) -> None:
        """Let the next period take over in every budget whose period has ended by the clock."""
        for row in self._draft.budgets():
            standing = self._draft.standing(row.budget.id)
            if standing is not None and not row.deleted:
                moved = budgets.roll_over(standing, row.budget, self._now)
                self._draft.put_standing(row.budget.id, moved, self._now)
                if moved != standing:
                    self._changed[row.budget.id] = None

    def show(self) -> None:
        """Say how every budget stands, though nothing has changed."""
        self._changed.update((row.budget.id, None) for row in self._draft.budgets() if not row.deleted)

    def outcome(self) -> Outcome:
        """Return what all this comes to."""
        for budget_id in self._changed:
            self._tell(budget_id)
        self._outcome.rows = self._draft.changes()
        return self._outcome

    def _set(self, command: budgets.SetBudget, offset: int) -> None:
        known = self._draft.budget(command.budget.id)
        says_again = known is not None and bool(command.configured) and command.configured == known.configured
        if known is None or (offset > known.version and not says_again):
            self._define(known, command, offset)
        self._announce(command.budget.id)

    def _define(self, known: BudgetRow | None, command: budgets.SetBudget, offset: int) -> None:
        before = None if known is None or known.deleted else known.budget
        budget = budgets.succeed(known.budget if known else None, command.budget, deleted=before is None)
        configured = command.configured or (known.configured if known else "")
        if known is not None and budget == before:
            if configured != known.configured:
                self._draft.put_budget(msgspec.structs.replace(known, configured=configured))
            return
        same_spend = known is not None and before is not None and before.same_spend(budget)
        since = known.since if known is not None and same_spend else budget.version
        row = BudgetRow(offset, deleted=False, since=since, budget=budget, configured=configured)
        self._draft.put_budget(row)
        if before is not None:
            self._withdraw(before, "redefined")
        if same_spend:
            self._evaluate_again(row)
        else:
            self._draft.forget_spend(budget.id)
            self._draft.put_standing(budget.id, budgets.begin(budget, self._now), self._now)

    def _evaluate_again(self, row: BudgetRow) -> None:
        """Judge what is spent already by the new definition."""
        standing = self._draft.standing(row.budget.id)
        period = self._draft.period(row.budget.id, standing.start) if standing else None
        if standing is not None and period is not None:
            self._evaluate(row.budget, standing.start, period)

    def _delete(self, scope: ScopeFilter, offset: int) -> None:
        known = self._draft.budget(budgets.budget_id(scope))
        if known is None:
            return
        if offset > known.version and not known.deleted:
            self._withdraw(known.budget, "deleted")
            self._draft.put_budget(msgspec.structs.replace(known, version=offset, deleted=True))
        self._announce(known.budget.id)

    def _withdraw(self, budget: Budget, reason: str) -> None:
        standing = self._draft.standing(budget.id)
        row = self._draft.period(budget.id, standing.start) if standing else None
        if standing is not None and row is not None and row.budget_version == budget.version:
            period = budget.period_at(standing.start)
            self._transitions(budgets.withdraw(budget, period, row.state, row.spent, reason), row.at)
            foreseen = budgets.withdraw(budget, period, row.warned, row.spent, reason, budgets.FORECAST)
            self._transitions(foreseen, row.at, row.foreseen)

    def _post(self, spend: Spend, offset: int) -> None:
        row = self._draft.budget(spend.budget_id)
        if row is None or row.deleted or not row.since <= spend.version <= row.budget.version:
            return
        known = self._draft.period(spend.budget_id, spend.period_start)
        if known is None:
            # Every partition is asked for a period that one of them has: it is never judged by a part.
            control = budgets.control_data(row.budget, deleted=False)
            self._outcome.control.append(orjson.dumps({**control, "instant": spend.period_start}))
        known = known or PeriodRow(_UNFOLDED, row.budget.version)
        if offset < known.version:
            return
        at = spend.at if known.at is None else max(known.at, spend.at)
        slots = budgets.post(known.slots, spend)
        period = msgspec.structs.replace(known, version=offset, at=at, slots=slots)
        self._evaluate(row.budget, spend.period_start, period)
        if period.spent:
            self._move(row.budget, spend.period_start)
        self._changed[spend.budget_id] = None

    def _post_step(self, spend: Spend, offset: int) -> None:
        row = self._draft.budget(spend.budget_id)
        if row is None or row.deleted or not row.since <= spend.version <= row.budget.version:
            return
        known = self._draft.step(spend.budget_id, spend.period_start) or StepRow(_UNFOLDED)
        if offset >= known.version:
            step = StepRow(offset, budgets.post(known.slots, spend))
            self._draft.put_step(spend.budget_id, spend.period_start, step)

    def _evaluate(self, budget: Budget, start: int, row: PeriodRow) -> None:
        if row.budget_version != budget.version:
            row = PeriodRow(row.version, budget.version, row.at, row.slots)
        period = budget.period_at(start)
        state, transitions = budgets.evaluate(budget, period, row.state, row.spent)
        foreseen, looked = self._foresee(budget, period, row)
        warned, warnings = budgets.warn(budget, period, row.warned, foreseen, row.spent)
        evaluated = PeriodRow(row.version, budget.version, row.at, row.slots, state, foreseen, warned, looked)
        self._draft.put_period(budget.id, start, evaluated)
        self._transitions(transitions, row.at)
        self._transitions(warnings, row.at, foreseen)

    def _foresee(self, budget: Budget, period: Period, row: PeriodRow) -> tuple[Foreseen | None, int]:
        """Look ahead once an hour of event time; return what is foreseen, and when that was looked for."""
        if row.at is None or row.at // HOUR <= row.looked // HOUR:
            return row.foreseen, row.looked
        found = budgets.foresee(budget, period, row.spent, row.at, self._draft.steps(budget.id))
        return found or row.foreseen, row.at

    def _move(self, budget: Budget, start: int) -> None:
        standing = self._draft.standing(budget.id) or budgets.begin(budget, self._now)
        moved = budgets.move(standing, budget.period_at(start), self._now)
        self._draft.put_standing(budget.id, moved, self._now)

    def _announce(self, budget_id: str) -> None:
        row = self._draft.budget(budget_id)
        if row is not None:
            self._outcome.control.append(orjson.dumps(budgets.control_data(row.budget, deleted=row.deleted)))
            self._changed[budget_id] = None

    def _tell(self, budget_id: str) -> None:
        row = self._draft.budget(budget_id)
        if row is None:
            return
        standing = self._draft.standing(budget_id) or budgets.begin(row.budget, self._now)
        period = self._draft.period(budget_id, standing.start) or PeriodRow(_UNFOLDED, row.budget.version)
        current = not row.deleted and period.budget_version == row.budget.version
        data = budgets.status_data(
            row.budget,
            row.budget.period_at(standing.start),
            spent=period.spent,
            unpriced=period.unpriced,
            state=period.state if current else budgets.NEW,
            at=period.at,
            deleted=row.deleted,
            foreseen=period.foreseen if current else None,
            warned=period.warned if current else budgets.NEW,
        )
        key = budget_id.encode()
        identifier = cloudevents.event_id(budgets.STATUS, orjson.dumps(data).decode())
        self._outcome.statuses.append((key, self._event(budgets.STATUS, identifier, period.at, data), None))
        if row.deleted:
            # Live readers have seen the word; the tombstone lets compaction forget the budget.
            self._outcome.statuses.append((key, None, None))
        self._outcome.documents[budget_id] = None if row.deleted else orjson.dumps(data)

    def _transitions(
        self, transitions: Iterable[ThresholdCrossed], at: int | None, foreseen: Foreseen | None = None
    ) -> None:
        for transition in transitions:
            data = budgets.crossed_data(transition, transition.period.start if at is None else at, foreseen)
            event = self._event(budgets.THRESHOLD_CROSSED, transition.id, at, data)
            self._outcome.crossed.append((str(transition.budget.scope).encode(), event, None))
            self._outcome.transitions.append((transition, self._cause))

    def _event(self, kind: str, identifier: str, at: int | None, data: dict[str, object]) -> bytes:
        time = self._now if at is None else at
        return cloudevents.envelope(
            kind=kind, agent=AGENT, identifier=identifier, time=time, data=data, recorded=self._now
        )

    def _reject(self, record: Record, reason: str) -> None:
        self._outcome.rejected.append((record, reason))
