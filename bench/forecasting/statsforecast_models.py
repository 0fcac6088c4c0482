"""AutoETS and AutoTheta as StatsForecast's documentation has them, in an environment of their own.

Standard input is a JSON list of `{"values", "season", "horizon"}`, standard output one of `{model: {"mean", "lower",
"upper"}}`.
"""

import json
import sys

import numpy as np
from statsforecast.models import AutoETS, AutoTheta

LEVEL = 80
# AutoETS fits seasons up to 24 steps, as R's ets does; longer histories cost minutes and change little.
MOST_SEASON = 24
MOST_VALUES = 1_000


def main() -> None:
    answers = []
    for question in json.load(sys.stdin):
        values = np.array(question["values"][-MOST_VALUES:], dtype=np.float64)
        season = min(question["season"], MOST_SEASON)
        answer = {}
        for name, model in (("AutoETS", AutoETS), ("AutoTheta", AutoTheta)):
            found = model(season_length=season).forecast(y=values, h=question["horizon"], level=[LEVEL])
            bounds = {"lower": found[f"lo-{LEVEL}"], "upper": found[f"hi-{LEVEL}"]}
            answer[name] = {key: list(map(float, each)) for key, each in {"mean": found["mean"], **bounds}.items()}
        answers.append(answer)
    json.dump(answers, sys.stdout)


main()
