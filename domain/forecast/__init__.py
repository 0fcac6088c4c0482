"""What comes next: a mean and an 80 % band for a series that people bring. Pure numpy, no state."""

from domain.forecast.bands import Forecast, forecast

__all__ = ["Forecast", "forecast"]
