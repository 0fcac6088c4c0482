"""Budgets: a limit per scope and period, what is spent of it, and what is told when a threshold is crossed.

`definition` reads what a person wrote, `thresholds` is the state machine, `spend` the sum it looks at,
`standing` the period that is shown, `payloads` what others see, `commands` how all this is asked for.
"""

from __future__ import annotations

from domain.budgets.commands import BUDGET_DELETED, BUDGET_SET, CONFIGURATION, DeleteBudget, SetBudget, structured
from domain.budgets.commands import parse as parse_command
from domain.budgets.commands import to_event as command_event
from domain.budgets.definition import BASES, Budget, FlagRule, body_of, budget_id, define, succeed
from domain.budgets.foresight import LOOK_BACK, Foreseen, foresee, warn
from domain.budgets.kinds import ACTUAL, FORECAST
from domain.budgets.payloads import STATUS, control_data, crossed_data, status_data
from domain.budgets.spend import Slot, Spend, decode_spends, encode_spends, post, spent
from domain.budgets.standing import Standing, begin, move, roll_over
from domain.budgets.thresholds import (
    NEW,
    THRESHOLD_CROSSED,
    Episode,
    State,
    ThresholdCrossed,
    crossed_thresholds,
    evaluate,
    withdraw,
)

__all__ = [
    "ACTUAL",
    "BASES",
    "BUDGET_DELETED",
    "BUDGET_SET",
    "CONFIGURATION",
    "FORECAST",
    "LOOK_BACK",
    "NEW",
    "STATUS",
    "THRESHOLD_CROSSED",
    "Budget",
    "DeleteBudget",
    "Episode",
    "FlagRule",
    "Foreseen",
    "SetBudget",
    "Slot",
    "Spend",
    "Standing",
    "State",
    "ThresholdCrossed",
    "begin",
    "body_of",
    "budget_id",
    "command_event",
    "control_data",
    "crossed_data",
    "crossed_thresholds",
    "decode_spends",
    "define",
    "encode_spends",
    "evaluate",
    "foresee",
    "move",
    "parse_command",
    "post",
    "roll_over",
    "spent",
    "status_data",
    "structured",
    "succeed",
    "warn",
    "withdraw",
]
