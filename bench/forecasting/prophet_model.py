"""Prophet as its documentation has it, in an environment of its own.

Standard input is a JSON list of `{"times", "values", "horizon", "step"}`, standard output one of `{"Prophet": {"mean",
"lower", "upper"}}`.
"""

import json
import logging
import sys

import pandas as pd
from prophet import Prophet

LEVEL = 0.8
MOST_VALUES = 1_000


def main() -> None:
    logging.disable(logging.ERROR)
    answers = []
    for question in json.load(sys.stdin):
        times = pd.to_datetime(question["times"][-MOST_VALUES:], unit="s")
        model = Prophet(interval_width=LEVEL)
        model.fit(pd.DataFrame({"ds": times, "y": question["values"][-MOST_VALUES:]}))
        ahead = [question["times"][-1] + question["step"] * (step + 1) for step in range(question["horizon"])]
        found = model.predict(pd.DataFrame({"ds": pd.to_datetime(ahead, unit="s")}))
        columns = {"mean": "yhat", "lower": "yhat_lower", "upper": "yhat_upper"}
        answers.append({"Prophet": {name: list(map(float, found[column])) for name, column in columns.items()}})
    json.dump(answers, sys.stdout)


main()
