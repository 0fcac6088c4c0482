"""Tags of a bill, and whose cost they make it.

Providers write tags as JSON objects, as `"key": "value"` pairs without braces (Azure), as lists of
`{"key": ..., "value": ...}` (GCP; also as Python prints them), as `key=value` lists (Athena, spreadsheets), or as a
column each (AWS). `parse_tags` reads them all.

`TagTable` maps them to scope: per dimension the accepted keys, the first that has a value wins. Keys are compared
without case, punctuation and the prefixes that providers and collectors add: `Team`, `user:team`,
`resourceTags/user:team`, `user_team`, `label_team` and `acme.com/team` are all `team`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from domain.billing.block import NULLS
from domain.scope import DIMENSIONS, UNATTRIBUTED, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "tenant": ("tenant", "tenant-id", "customer", "customer-id"),
    "environment": ("environment", "env", "stage"),
    "feature": ("feature", "feature-name"),
    "service": ("service", "service-name", "application", "app", "app.kubernetes.io/name", "component"),
    "team": ("team", "owning-team", "squad", "owner"),
}
_PREFIXES: Final = ("resourcetags/", "resource_tags_", "user:", "user_", "label_", "labels.")
_PUNCTUATION: Final = re.compile(r"[^a-z0-9]+")
_NOTHING: Final = frozenset({"", "[]", "{}", '""'}) | {word.lower() for word in NULLS}
_SEPARATORS: Final = re.compile(r"[;,|\n]")
_MAX_REMEMBERED: Final = 10_000
# Objects of these names are tags of JSON and parquet, not columns.
_TAG_MAPS: Final = frozenset(
    {"labels", "annotations", "namespacelabels", "namespaceannotations", "tags", "resource_tags"}
)
_decode = msgspec.json.Decoder(strict=False).decode


def parse_tags(cell: Any) -> dict[str, str]:
    """Read tags in any of the forms above; `ValueError` when it is none of them. Empty values stay, nulls do not."""
    if isinstance(cell, str):
        cell = _structure(cell)
    if isinstance(cell, dict):
        return {str(key): _plain(value) for key, value in cell.items() if value is not None}
    return dict(_pairs(cell))


def is_tag_map(name: str) -> bool:
    """Tell whether an object of this name is tags by its keys, rather than columns."""
    return name.casefold() in _TAG_MAPS


def _structure(text: str) -> Any:
    stripped = text.strip()
    if stripped.lower() in _NOTHING:
        return {}
    try:
        return _decode(stripped if stripped[0] in "{[" else f"{{{stripped}}}")
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return ast.literal_eval(stripped)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return _listed(stripped)


def _listed(text: str) -> dict[str, str]:
    """Read `key=value; key=value`, also in braces. A piece without `=` belongs to the value before it."""
    found: dict[str, str] = {}
    last = ""
    for piece in _SEPARATORS.split(text[1:-1] if text[:1] == "{" and text[-1:] == "}" else text):
        key, equals, value = piece.partition("=")
        if equals and key.strip():
            last = key.strip()
            found[last] = value.strip()
        elif last:
            found[last] += f",{piece}" if piece.strip() else ""
        else:
            raise ValueError(f"{text[:60]!r} are not tags")
    return found


def _pairs(items: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(items, (list, tuple)):
        raise ValueError(f"{items!r:.60} are not tags")  # noqa: TRY004 - what a file says is no type error of ours
    for item in items:
        found = {str(name).lower(): value for name, value in item.items()} if isinstance(item, dict) else {}
        if "key" in found:
            if found.get("value") is not None:
                yield str(found["key"]), _plain(found["value"])
        elif isinstance(item, (list, tuple)) and len(item) == 2:  # noqa: PLR2004 - a key and its value
            yield str(item[0]), _plain(item[1])
        else:
            raise ValueError(f"{item!r:.60} is not a tag")


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


class TagTable:
    """Which tag keys name which dimension."""

    def __init__(self, keys: Mapping[str, Iterable[str]] = DEFAULT_KEYS) -> None:
        """`keys`: by dimension the accepted tag keys, best first; a dimension left out is never found in tags."""
        self._ranks: dict[str, tuple[int, int]] = {}
        for position, dimension in enumerate(DIMENSIONS):
            for rank, key in enumerate(keys.get(dimension, ())):
                self._ranks.setdefault(_normal(key), (position, rank))
        self._places: dict[str, tuple[int, int] | None] = {}

    def scope_of(self, tags: Mapping[str, str]) -> Scope:
        """Return the scope that the tags name, `unattributed` where they name none."""
        found: dict[int, tuple[int, str]] = {}
        for key, value in tags.items():
            place = self._place_of(key)
            if place is not None and value.strip():
                position, rank = place
                if position not in found or rank < found[position][0]:
                    found[position] = rank, value.strip()
        return Scope(*[found[i][1] if i in found else UNATTRIBUTED for i in range(len(DIMENSIONS))])

    def tells(self, key: str) -> bool:
        """Tell whether a tag key names a dimension."""
        return self._place_of(key) is not None

    def _place_of(self, key: str) -> tuple[int, int] | None:
        """Return dimension and rank of a tag key; remembered, for keys repeat on every line."""
        try:
            return self._places[key]
        except KeyError:
            place = self._ranks.get(_normal(key)) or self._ranks.get(_normal(_last_part(key)))
            if len(self._places) < _MAX_REMEMBERED:
                self._places[key] = place
            return place


def _normal(key: str) -> str:
    folded = key.strip().casefold()
    shorter = True
    while shorter:
        shorter = False
        for prefix in _PREFIXES:
            if folded.startswith(prefix):
                folded, shorter = folded[len(prefix) :], True
    return _PUNCTUATION.sub("", folded)


def _last_part(key: str) -> str:
    return key.rpartition("/")[2] if "/" in key else key.rpartition(":")[2]
