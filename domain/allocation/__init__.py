"""Shared and indirect cost, split by what was used: rules, drivers, and parts that sum to the whole."""

from __future__ import annotations

from domain.allocation.allocating import Allocator, Part, corrections
from domain.allocation.charges import Charge, Costs, charge_of
from domain.allocation.rules import Rule, Wording, make_rule
from domain.allocation.usage import Usage, UsageLine

__all__ = [
    "Allocator",
    "Charge",
    "Costs",
    "Part",
    "Rule",
    "Usage",
    "UsageLine",
    "Wording",
    "charge_of",
    "corrections",
    "make_rule",
]
