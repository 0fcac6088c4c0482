"""Steps that are missing in a history: a rhythm is counted in steps, and would be lost with the first that lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

_MONTH: Final = 27 * DAY  # months have no constant spacing to be counted in
_MOST: Final = 2  # steps for each value; beyond, the spacing is not what it seems


def evenly(times: Sequence[float], values: Sequence[float], step: float) -> tuple[list[float], list[float]]:
    """Return a history with the steps that lack between two values, on the line between these; times ascend."""
    places = np.round((np.asarray(times) - times[-1]) / step)
    steps = 1 - places[0]
    if step >= _MONTH or steps == len(times) or steps > _MOST * len(times) or np.any(np.diff(places) < 1):
        return list(times), list(values)
    grid = np.arange(places[0], 1)
    return (times[-1] + step * grid).tolist(), np.interp(grid, places, values).tolist()
