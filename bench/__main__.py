"""`make bench`: prints one JSON line per figure; `--quick` for a look, with fewer events and rounds."""

from __future__ import annotations

import argparse

import orjson

from bench.full import measure


def main() -> None:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--scopes", type=int, default=1_000)
    options = parser.parse_args()
    events, slow, rounds = (100_000, 3_000, 1) if options.quick else (400_000, 10_000, 5)
    for figure in measure(events=events, idiomatic_events=slow, scopes=options.scopes, rounds=rounds):
        print(orjson.dumps(figure).decode(), flush=True)


if __name__ == "__main__":
    main()
