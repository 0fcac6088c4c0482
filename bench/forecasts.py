"""`python -m bench.forecasts [DAILY.csv | FOCUS.csv.gz ...]`: forecasts from rolling origins, beside peers; JSON lines.

Peers are the seasonal naive forecast, the line from first to last, river's Holt-Winters, StatsForecast's AutoETS and
AutoTheta, and Prophet, the last three in environments of their own. MASE is the mean absolute miss over that of the
seasonal naive forecast in the history; the season is that of the spacing (7 days, 24 hours, 12 months), whether the
series shows it or not. Coverage is the share of values inside the 80 % band. Of real daily cost the total of the month
is foreseen after ten days, too. `bench.forecast_series` says what is forecast.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from river.time_series import HoltWinters

from bench.environments import python_of
from bench.forecast_series import HERE, TOTAL, corpus
from domain.forecast import forecast
from domain.forecast.outlook import outlook
from domain.forecast.seasons import spacing
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.forecast_series import Series

    Peer = Callable[[Sequence[float], int, int], Sequence[float]]
    Answer = Mapping[str, Sequence[float]]

ORIGIN_DAY: Final = 10
WEEK: Final = 7


def seasonal_naive(values: Sequence[float], period: int, horizon: int) -> Sequence[float]:
    """Say what came a season ago."""
    return [values[len(values) - period + step % period] for step in range(horizon)]


def drift(values: Sequence[float], period: int, horizon: int) -> Sequence[float]:
    """Go on along the line from the first value to the last."""
    del period
    slope = (values[-1] - values[0]) / (len(values) - 1)
    return [values[-1] + slope * (step + 1) for step in range(horizon)]


def holt_winters(values: Sequence[float], period: int, horizon: int) -> Sequence[float]:
    """Smooth with river's model at its usual parameters."""
    kind: Any = HoltWinters
    model = kind(alpha=0.3, beta=0.05, gamma=0.2, seasonality=period)
    for value in values:
        model.learn_one(value)
    return list(model.forecast(horizon=horizon))


PEERS: Final[dict[str, Peer]] = {"seasonal naive": seasonal_naive, "drift": drift, "river HoltWinters": holt_winters}
ELSEWHERE: Final = {"statsforecast.txt": "statsforecast_models.py", "prophet.txt": "prophet_model.py"}


def elsewhere(pins: str, questions: Sequence[Any]) -> list[dict[str, Answer]]:
    """Ask the models of another environment."""
    command = [str(python_of(HERE / pins)), "-W", "ignore", str(HERE / ELSEWHERE[pins])]
    done = subprocess.run(
        command, input=json.dumps(questions).encode(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    answers: list[dict[str, Answer]] = json.loads(done.stdout)
    return answers


def season(step: float) -> int:
    """Return the steps of the season that everybody takes for such a spacing."""
    return 12 if step >= 27 * DAY else WEEK if step >= DAY else round(DAY / step)


class Tally:
    """Misses and hits by corpus and model."""

    def __init__(self) -> None:
        self._missed: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._inside: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)

    def count(self, asked: Asked, model: str, answer: Answer) -> None:
        """Take in one forecast."""
        missed = float(np.abs(np.subtract(asked.actual, answer["mean"])).mean()) / asked.scale
        self._missed[asked.corpus, model].append(missed)
        if "lower" in answer:
            edges = zip(answer["lower"], asked.actual, answer["upper"], strict=True)
            self._inside[asked.corpus, model] += [low <= value <= high for low, value, high in edges]

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the mean of each corpus."""
        for (of, model), missed in self._missed.items():
            line = {"figure": "forecast_mase", "corpus": of, "model": model, "value": round(float(np.mean(missed)), 3)}
            if inside := self._inside.get((of, model)):
                line["coverage"] = round(float(np.mean(inside)), 3)
            yield line


class Asked(NamedTuple):
    """A forecast that is asked for, what came, and what a miss is counted in."""

    corpus: str
    question: Mapping[str, Any]
    actual: Sequence[float]
    scale: float


def ask(series: Series) -> Iterator[Asked]:
    """Yield what is asked of a series, from every origin."""
    values, step = series.values, spacing(series.times)
    period = season(step)
    for at in np.linspace(len(values) * 6 // 10, len(values) - series.horizon, series.origins):
        origin = int(at)
        history = values[:origin]
        scale = float(np.abs(np.subtract(history[period:], history[:-period])).mean())
        question = {"times": series.times[:origin], "values": history, "season": period, "horizon": series.horizon}
        if scale:
            actual = values[origin : origin + series.horizon]
            yield Asked(series.corpus, question | {"step": step}, actual, scale)


def play(asked: Asked, tally: Tally) -> float:
    """Answer ourselves and with the peers that are installed here; return what ours took (seconds of CPU)."""
    values, period, horizon = (asked.question[name] for name in ("values", "season", "horizon"))
    started = time.process_time()
    steps = forecast(asked.question["times"], values, horizon)
    took = time.process_time() - started
    ours = {edge: [getattr(step, edge) for step in steps] for edge in ("mean", "lower", "upper")}
    tally.count(asked, "costguard", ours)
    for name, peer in PEERS.items():
        tally.count(asked, name, {"mean": peer(values, period, horizon)})
    return took


def month_total(series: Series) -> Iterator[dict[str, Any]]:
    """Yield how far the total of a month was missed after ten of its days."""
    days = len(series.values)
    spent, total = sum(series.values[:ORIGIN_DAY]), sum(series.values)
    steps = forecast(series.times[:ORIGIN_DAY], series.values[:ORIGIN_DAY], days - ORIGIN_DAY)
    weekday = int((series.times[ORIGIN_DAY] // DAY + 3) % WEEK)
    ahead = outlook(series.values[:ORIGIN_DAY], weekday, WEEK, [1.0] * (days - ORIGIN_DAY))
    assert ahead is not None  # noqa: S101 - ten days are enough
    for name, left in (("forecast", sum(step.mean for step in steps)), ("outlook of budgets", ahead.mean)):
        missed = round(100 * ((spent + left) / total - 1), 1)
        yield {"figure": "month_total_missed_percent", "corpus": series.corpus, "model": name, "value": missed}


def main(files: Sequence[str]) -> None:
    """Forecast everything from every origin."""
    tally, seconds, questions = Tally(), [], []
    for series in corpus(files):
        for asked in ask(series):
            took = play(asked, tally)
            questions.append(asked)
            if asked.question["step"] == DAY:
                seconds.append(took)
        if series.corpus == "real daily cost" and series.name == TOTAL:
            for line in month_total(series):
                print(json.dumps(line), flush=True)
    for pins in ELSEWHERE:
        for asked, answers in zip(questions, elsewhere(pins, [each.question for each in questions]), strict=True):
            for name, answer in answers.items():
                tally.count(asked, name, answer)
    for line in tally.lines():
        print(json.dumps(line), flush=True)
    print(json.dumps({"figure": "forecast_of_days_cpu_ms", "value": round(1000 * float(np.median(seconds)), 2)}))


if __name__ == "__main__":
    main(sys.argv[1:])
