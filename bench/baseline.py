"""The recorded ratios, and whether new ones are worse: `bench/baseline.json`, each figure with the git sha it is of.

Only ratios to peers of the same run are compared (a machine is as fast as it is), and only our own: larger is better.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.rounds import Figure

BASELINE: Final = Path(__file__).with_name("baseline.json")
TOLERANCE: Final = 0.05

Ratios = dict[str, dict[str, float]]


def ratios(figures: Iterable[Figure]) -> Ratios:
    """Return the ratios of our own figures, by figure and name."""
    found: Ratios = {}
    for figure in figures:
        own = {name: value for name, value in figure.items() if "ratio" in name and isinstance(value, float)}
        if own and "costguard" in figure["figure"]:
            found[figure["figure"]] = own
    return found


def record(found: Ratios, path: Path = BASELINE) -> None:
    """Keep ratios; those of benchmarks that were not run stay as they are."""
    known = orjson.loads(path.read_bytes()) if path.exists() else {}
    known |= {name: {"sha": sha(), **values} for name, values in found.items()}
    path.write_bytes(orjson.dumps(known, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")


def regressions(found: Ratios, benches: Iterable[str], path: Path = BASELINE) -> Iterator[str]:
    """Yield a line for each recorded ratio of these benchmarks that is more than 5 % worse now, or missing."""
    if not path.exists():
        yield f"nothing is recorded in {path}: run --record on a quiet machine"
        return
    ran = set(benches)
    for name, recorded in orjson.loads(path.read_bytes()).items():
        if name.partition("/")[0] not in ran:
            continue
        for key, then in recorded.items():
            now = found.get(name, {}).get(key)
            if key != "sha" and (now is None or now < then * (1 - TOLERANCE)):
                yield f"{name}: {key} is {now}, was {then} at {recorded['sha']}"


def sha() -> str:
    """Return the commit that is measured, with a plus sign when the tree differs from it."""
    command = ("git", "describe", "--always", "--abbrev=10", "--exclude=*", "--dirty=+")
    done = subprocess.run(command, cwd=BASELINE.parent, capture_output=True, text=True, check=True)
    return done.stdout.strip()
