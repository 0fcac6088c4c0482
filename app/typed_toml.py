"""TOML read into typed sections; what is wrong is one line that names the key and, for a typo, the nearest.

Numbers with a fraction are read as `Decimal`, so that a limit or a price is what was written.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

T = TypeVar("T")

MAX_TEXT_BYTES: Final = 16 << 20
_PROBLEM: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN: Final = re.compile(r"Object contains unknown field `(.*)`")
_MISSING: Final = re.compile(r"Object missing required field `(.*)`")
_KINDS: Final = re.compile(r"Expected `(.*)`, got `(.*)`")
_KIND_NAMES: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number or a decimal string",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "date": "a date",
    "datetime": "a date and time",
    "time": "a time",
}


class SettingsError(Exception):
    """What a person configured cannot be used: the key they wrote, and one sentence about it."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(key, message)
        self.key = key
        self.message = message

    def __str__(self) -> str:
        return " ".join(f"{self.key}: {self.message}".split())


def parse_toml(text: str, key: str, origin: str) -> dict[str, Any]:
    """Return the document; `SettingsError` for `key` when it is not TOML."""
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(key, f"{origin} is not TOML: {error}") from None
    except (ValueError, ArithmeticError, RecursionError):
        raise SettingsError(key, f"{origin} has a number too long, or tables too deep, to be read") from None


def read_text(path: Path, key: str) -> str:
    """Return the text of a file that `key` names; `SettingsError` when there is none, or none that is read at once."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # Of a device or a pipe nobody knows whether it ends.
            raise SettingsError(key, f"cannot read {path}: it is no file")
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise SettingsError(key, f"cannot read {path}: it has over {MAX_TEXT_BYTES >> 20} MB")
        return path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(key, f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(key, f"cannot read {path}: it is not UTF-8 text") from None


def read_secret_file(path: Path, key: str) -> list[str]:
    """Return the secrets in a file, one a line, at least one: several while one is being replaced."""
    lines = [line.strip() for line in read_text(path, key).splitlines() if line.strip()]
    if not lines:
        raise SettingsError(key, f"{path} is empty")
    return lines


def typed(value: Any, shape: type[T], key: str = "") -> T:
    """Convert to a msgspec struct; `SettingsError` names the key below `key`, as in `webhooks[0].url`."""
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        raise _explained(str(error), key, shape) from None


def unknown_key(name: str, known: Iterable[str], below: str = "") -> SettingsError:
    """Return the error for a key that nobody reads, with the nearest that somebody does."""
    return SettingsError(_below(below, name), f"unknown key{nearest(name, known)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?`, or the known names when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(names)}"


def _explained(problem: str, key: str, shape: type[Any]) -> SettingsError:
    found = _PROBLEM.fullmatch(problem)
    what, path = (found["what"], found["path"] or "") if found else (problem, "")
    place = f"{key}{path}" if key else path.removeprefix(".")
    if unknown := _UNKNOWN.fullmatch(what):
        return unknown_key(unknown[1], _fields_at(shape, path), place)
    if missing := _MISSING.fullmatch(what):
        return SettingsError(_below(place, missing[1]), "missing")
    if kinds := _KINDS.fullmatch(what):
        return SettingsError(place, f"must be {_kind(kinds[1])}, not {_kind(kinds[2])}")
    return SettingsError(place, what[0].lower() + what[1:])


def _kind(names: str) -> str:
    return " or ".join(_KIND_NAMES.get(name, name) for name in names.split(" | ") if name != "null")


def _fields_at(shape: Any, path: str) -> list[str]:
    """Follow a path of fields and list items through a type to the struct there; return its fields' names."""
    for name in re.findall(r"\.(\w+)", path):
        shape = _struct(next(field.type for field in msgspec.structs.fields(shape) if field.encode_name == name))
    return [field.encode_name for field in msgspec.structs.fields(shape)]


def _struct(shape: Any) -> Any:
    """Return the struct that lists and unions of a type hold."""
    candidates = [shape]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
            return candidate
        candidates.extend(getattr(candidate, "__args__", ()))
    raise TypeError(f"{shape} holds no struct")


def _below(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
