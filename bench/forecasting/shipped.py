"""The series that vega-datasets ships, in the environment of StatsForecast, which needs pandas, too.

Standard output is a JSON list of `{"name", "times", "values", "horizon"}`: employment in the United States by sector
(monthly), the weather of Seattle (daily), its usual temperature (hourly).
"""

import json
import sys

import pandas as pd
from vega_datasets import data

EVERY = 4  # of the sectors, which move together
DAYS = 500
HOURS = 1_500


def series(name: str, times: pd.Series, values: pd.Series, horizon: int) -> dict[str, object]:
    """Return a series as `bench.forecast_series` wants it."""
    # A column of times may count anything from seconds to nanoseconds.
    seconds = (pd.to_datetime(times) - pd.Timestamp(0)) // pd.Timedelta(seconds=1)
    return {"name": name, "times": list(map(int, seconds)), "values": list(map(float, values)), "horizon": horizon}


def main() -> None:
    employment, weather, temperature = data.us_employment(), data.seattle_weather(), data.seattle_temps()
    sectors = [name for name in employment.columns if name not in {"month", "nonfarm_change"}][::EVERY]
    found = [series(f"employment/{name}", employment["month"], employment[name], 12) for name in sectors]
    weather, temperature = weather[-DAYS:], temperature[-HOURS:]
    found += [
        series(f"weather/{name}", weather["date"], weather[name], 14) for name in ("temp_max", "temp_min", "wind")
    ]
    found.append(series("temperature by the hour", temperature["date"], temperature["temp"], 48))
    json.dump(found, sys.stdout)


main()
