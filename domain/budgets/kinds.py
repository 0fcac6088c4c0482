"""What a threshold may be crossed by: money that is spent, or money that is foreseen."""

from typing import Final

ACTUAL: Final = "actual"
FORECAST: Final = "forecast"
