"""What to import: the files of directories and patterns, and which of them are one edition of a bill.

A manifest makes its files one edition. A file that lies where a manifest's files lie, but that no manifest names, is
left out: it belongs to an edition that was replaced. So do the files of a manifest that has another one of its name a
directory above it: there AWS keeps the manifest of the assembly that counts.

Any other file is an edition of its own: its name, without `.gz` or `.zip`, is the part of the bill that it is, and its
bytes say which edition. Directories right above it that partition a table (`day=05/part-0.parquet`) belong to its name,
for every one of them has files of the same names. Those of a year or a month do not: a bill is of a month anyhow.
Azure without manifests puts each run of an export into the directory of its dates, with a random end of its name:
`20260601-20260630/costs_<uuid>.csv`. Those are editions of one part, each of the month to date.
"""

from __future__ import annotations

import glob
import hashlib
import json
import re
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.billing.instants import parse_instant
from domain.billing.manifests import Manifest, parse_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_MANIFEST_BYTES: Final = 16 << 20
_PACKED: Final = (".gz", ".zip")
# Names of partitions that a bill's period says already.
_PERIODS: Final = frozenset({"year", "month", "billing_period"})
_DATES: Final = re.compile(r"\d{8}-\d{8}")
_RUN: Final = re.compile(r"(.+)_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(\.[^.]+)", re.IGNORECASE)
_TIME: Final = re.compile(r"(\d{4}-?\d{2}-?\d{2}T\d{2}:?\d{2}:?\d{2}(?:\.\d+)?Z?)(?:-|$)")
_CHUNK: Final = 1 << 20
_LEVELS_UP: Final = 5


class PlanError(Exception):
    """What was asked for is not there; one sentence."""


class Delivery(NamedTuple):
    """One edition: its name for people, its files, its part, id and time of writing, and the data set if it says so."""

    name: str
    files: tuple[Path, ...]
    part: str
    assembly: str
    written: int
    dataset: str = ""


class Plan(NamedTuple):
    """What to read, and files that are not read, each with the reason."""

    deliveries: tuple[Delivery, ...]
    left_out: tuple[tuple[Path, str], ...] = ()


def make_plan(names: Sequence[str]) -> Plan:
    """Find what the names (files, directories, patterns) mean. Raises `PlanError`."""
    files = list(dict.fromkeys(file for name in names for file in _files(name)))
    manifests: dict[Path, Manifest] = {}
    for file in files:
        manifest = _manifest(file)
        if manifest is not None:
            manifests[file] = manifest
    whole = [_assembled(path, manifest) for path, manifest in manifests.items() if _is_current(path, manifests)]
    taken = {file for delivery in whole for file in delivery.files}
    places = {file.parent for file in taken} | {path.parent for path in manifests}
    alone, left_out = [], []
    for file in files:
        if file in taken or file in manifests:
            continue
        if places & set(file.parents):
            left_out.append((file, "no manifest names it: it is of an edition that was replaced"))
        else:
            alone.append(_single(file))
    distinct = {(delivery.assembly, delivery.files): delivery for delivery in whole}
    return Plan((*distinct.values(), *alone), tuple(left_out))


def _is_current(path: Path, manifests: Mapping[Path, Manifest]) -> bool:
    above = manifests.get(path.parent.parent / path.name)
    return above is None or above.assembly == manifests[path].assembly


def _files(name: str) -> Iterable[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(each for each in path.rglob("*") if each.is_file() and not _hidden(each, path))
    elif path.is_file():
        found = [path]
    else:
        found = sorted(Path(each) for each in glob.glob(name, recursive=True) if Path(each).is_file())  # noqa: PTH207 - absolute patterns
    if not found:
        raise PlanError(f"{name}: no such file, and no file in a directory or of a pattern of this name")
    return [each.resolve() for each in found]


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith((".", "_SUCCESS")) for part in file.relative_to(root).parts)


def _manifest(file: Path) -> Manifest | None:
    if file.suffix != ".json" or file.stat().st_size > MAX_MANIFEST_BYTES:
        return None
    try:
        return parse_manifest(json.loads(file.read_bytes()))
    except (ValueError, RecursionError):
        return None


def _assembled(path: Path, manifest: Manifest) -> Delivery:
    files = tuple(_locate(path, key) for key in manifest.files)
    written = manifest.written or _told_time(path.parent.name) or int(path.stat().st_mtime)
    return Delivery(f"{path.name} ({manifest.assembly})", files, "", manifest.assembly, written, manifest.dataset)


def _told_time(directory: str) -> int | None:
    """Return when an edition was written by its directory's name, as of AWS; a copy's own time is that of copying."""
    found = _TIME.match(directory)
    try:
        return int(parse_instant(found[1]).timestamp()) if found else None
    except ValueError:
        return None


def _locate(manifest: Path, key: str) -> Path:
    """Find a file that a manifest names by its key in a bucket: by as much of the key's end as is found here."""
    parts = PurePosixPath(key.partition("://")[2] or key).parts
    bases = [manifest.parent, *list(manifest.parents)[1:_LEVELS_UP]]
    for start in range(len(parts)):
        for base in bases:
            candidate = base.joinpath(*parts[start:])
            if candidate.is_file():
                return candidate.resolve()
    raise PlanError(f"{manifest}: it names {key}, which is not there; nothing of this edition was read")


def _single(file: Path) -> Delivery:
    name = file.name
    for suffix in _PACKED:
        name = name.removesuffix(suffix)
    return Delivery(file.name, (file,), _part(file.parent, name), _digest(file), int(file.stat().st_mtime))


def _part(directory: Path, name: str) -> str:
    run = _RUN.fullmatch(name)
    if run and _DATES.fullmatch(directory.name):
        return f"{directory.name}/{run[1]}{run[2]}"
    partitions = [*takewhile(lambda part: "=" in part, reversed(directory.parts))]
    days = [part for part in reversed(partitions) if part.partition("=")[0].casefold() not in _PERIODS]
    return "/".join([*days, name])


def _digest(file: Path) -> str:
    digest = hashlib.blake2b(digest_size=16)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
