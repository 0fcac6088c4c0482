"""Sums of units by key and minute, and how a contender proves that it has worked them out."""

from __future__ import annotations

import hashlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from bench import watch

if TYPE_CHECKING:
    from collections.abc import Mapping

# Characters of an RFC 3339 time that tell the minute: 2026-11-01T00:03
MINUTE = 16

Cell = tuple[str, str]


class Task(NamedTuple):
    """What a contender is told; `group` is a consumer group that nobody has used."""

    bootstrap: str
    broker: str
    topic: str
    group: str
    events: int


def task() -> Task:
    """Return what the command line says."""
    bootstrap, broker, topic, group, count = sys.argv[1:]
    return Task(bootstrap, broker, topic, group, int(count))


def digest(sums: Mapping[Cell, int]) -> str:
    """Return a hash that two sets of sums share only when every one is equal."""
    lines = sorted(f"{key} {minute} {units}\n" for (key, minute), units in sums.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def finish(stopwatch: watch.Watch, sums: Mapping[Cell, int]) -> None:
    """Report figures and sums, and end the process."""
    figures = stopwatch.figures()
    watch.finish({**figures, "digest": digest(sums), "units": sum(sums.values()), "cells": len(sums)})
