"""Shared and indirect cost, split by what was used: rules, drivers, and parts that sum to the whole."""

from __future__ import annotations

from domain.allocation.allocating import Allocator, Part
from domain.allocation.charges import Charge, charge_of
from domain.allocation.focus import focus_columns
from domain.allocation.rules import Rule, Wording, make_rule
from domain.allocation.usage import Usage, UsageLine, need_users, usage_of, users_seen

__all__ = [
    "Allocator",
    "Charge",
    "Part",
    "Rule",
    "Usage",
    "UsageLine",
    "Wording",
    "charge_of",
    "focus_columns",
    "make_rule",
    "need_users",
    "usage_of",
    "users_seen",
]
