"""`make bench`: prints one JSON line per figure.

`--quick` for a look, with fewer events and rounds; `--record` keeps the figures in `bench/baseline.json`, with the git
sha; `--check` fails when a ratio to a peer of the same run is more than 5 % worse than the recorded one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import orjson

from bench.full import measure

BASELINE: Final = Path(__file__).with_name("baseline.json")
RATIO: Final = "ratio_to_raw_aiokafka"
TOLERANCE: Final = 0.05


def main() -> int:
    """Run the benchmarks; 1 when `--check` finds a regression."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--scopes", type=int, default=1_000)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    events, slow, rounds = (100_000, 3_000, 1) if options.quick else (300_000, 6_000, 5)
    figures: dict[str, dict[str, Any]] = {}
    for figure in measure(events=events, idiomatic_events=slow, scopes=options.scopes, rounds=rounds):
        print(orjson.dumps(figure).decode(), flush=True)
        figures[figure["contender"]] = figure
    if options.record:
        BASELINE.write_bytes(orjson.dumps({"sha": _sha(), "figures": figures}, option=orjson.OPT_INDENT_2) + b"\n")
    return 1 if options.check and _is_worse(figures) else 0


def _is_worse(figures: dict[str, dict[str, Any]]) -> bool:
    baseline = orjson.loads(BASELINE.read_bytes())
    worse = False
    for name, recorded in baseline["figures"].items():
        now, then = figures[name][RATIO], recorded[RATIO]
        # Peers do not change with us.
        if name.startswith("costguard") and now < then * (1 - TOLERANCE):
            sys.stderr.write(f"{name}: {RATIO} is {now}, was {then} at {baseline['sha']}\n")
            worse = True
    return worse


def _sha() -> str:
    command = ("git", "rev-parse", "--short", "HEAD")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
