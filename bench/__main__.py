"""`make bench`: named benchmarks, one JSON line per figure on standard output. See docs/benchmarks.md.

`--quick` is for a look, with less of everything and one round; `--record` keeps our ratios in `bench/baseline.json`;
`--check` fails when one of them is more than 5 % worse than recorded.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

import orjson

from bench import baseline
from bench.api import bench as api
from bench.full import bench as full
from bench.latency import bench as latency
from bench.options import Options
from bench.scale import bench as scale
from bench.servers import BROKERS, EMBEDDED
from bench.simple import bench as simple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.rounds import Figure

BENCHES: Final[dict[str, Callable[[Options], Iterator[Figure]]]] = {
    "simple": simple.measure,
    "full": full.measure,
    "latency": latency.measure,
    "api": api.measure,
    "scale": scale.measure,
}
REGRESSION: Final = 1


def main() -> int:
    """Run the benchmarks; 1 when `--check` finds a regression."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"of {', '.join(BENCHES)}; all unless named")
    parser.add_argument("--broker", choices=BROKERS, default=EMBEDDED)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    names = given.benches or list(BENCHES)
    if unknown := set(names) - BENCHES.keys():
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if given.quick and (given.record or given.check):
        parser.error("--quick measures too little to be recorded or checked")
    figures = list(_printed(names, Options(quick=given.quick, broker=given.broker)))
    found = baseline.ratios(figures)
    if given.record:
        baseline.record(found)
    worse = list(baseline.regressions(found, names)) if given.check else []
    sys.stderr.writelines(f"{line}\n" for line in worse)
    return REGRESSION if worse else 0


def _printed(names: list[str], options: Options) -> Iterator[Figure]:
    for name in names:
        for figure in BENCHES[name](options):
            print(orjson.dumps(figure).decode(), flush=True)
            yield figure


if __name__ == "__main__":
    sys.exit(main())
