"""The values of single settings: each function takes the setting's name and its text, returns the value.

Each raises `SettingsError` with a sentence for the person who wrote the text. A URL that may hold a password
is never repeated in it.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from app.typed_toml import SettingsError, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

KAFKA_SCHEME: Final = "kafka://"
KAFKA_PORT: Final = 9092
MAX_PORT: Final = 65_535
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
# What Kafka allows in a topic's name; its longest suffix of ours has to fit into 249 characters.
_TOPIC_PREFIX: Final = re.compile(r"[A-Za-z0-9._-]{0,100}")


def whole(key: str, text: str, least: int, most: int) -> int:
    """Read a whole number between two bounds, both included."""
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text.strip()):
        raise SettingsError(key, f"{text!r} is not a whole number")
    number = int(text)
    if not least <= number <= most:
        raise SettingsError(key, f"{number} is not between {least} and {most}")
    return number


def seconds(key: str, text: str, least: float, most: float) -> float:
    """Read a number of seconds between two bounds, both included."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text.strip()):
        raise SettingsError(key, f"{text!r} is not a number of seconds")
    number = float(text)
    if not least <= number <= most:
        raise SettingsError(key, f"{number:g} is not between {least:g} and {most:g}")
    return number


def port(key: str, text: str) -> int:
    """Read a TCP port."""
    return whole(key, text, 1, MAX_PORT)


def host(key: str, text: str) -> str:
    """Read a host name or an IP address."""
    name = text.strip()
    if not _HOST.fullmatch(name) and not _is_address(name):
        raise SettingsError(key, f"{text!r} is neither a host name nor an IP address")
    return name


def is_loopback(name: str) -> bool:
    """Tell whether a host is this machine, and nobody else can reach it."""
    if _is_address(name):
        return ip_address(name).is_loopback
    return name == "localhost"


def choice(key: str, text: str, allowed: Sequence[str]) -> str:
    """Read one of a few words, in any case."""
    word = text.strip().lower()
    if word not in allowed:
        raise SettingsError(key, f"{text!r} is not one of {', '.join(allowed)}")
    return word


def topic_prefix(key: str, text: str) -> str:
    """Read what the names of all topics start with."""
    if not _TOPIC_PREFIX.fullmatch(text):
        raise SettingsError(key, f"{text!r} must be at most 100 letters, digits, dots, hyphens and underscores")
    return text


def broker_url(key: str, text: str) -> str:
    """Read `embedded`, or `kafka://host:port,...` with every port made explicit."""
    url = text.strip()
    if url == "embedded":
        return url
    if not url.startswith(KAFKA_SCHEME):
        raise SettingsError(key, f"must be embedded or kafka://host:port,...{_hint(url)}")
    addresses = url.removeprefix(KAFKA_SCHEME).rstrip("/").split(",")
    return KAFKA_SCHEME + ",".join(_broker(key, address.removeprefix(KAFKA_SCHEME)) for address in addresses)


def redis_url(key: str, text: str) -> str:
    """Read `embedded`, or `redis://[user:password@]host[:port][/database]` (`rediss://` with TLS)."""
    url = text.strip()
    if url == "embedded":
        return url
    expected = "must be embedded or redis://host:port/database (rediss:// with TLS)"
    parts = _split(url)
    if parts is None or parts.scheme not in ("redis", "rediss") or not parts.hostname:
        raise SettingsError(key, f"{expected}{_hint(url)}")
    if not re.fullmatch(r"/?[0-9]{0,3}", parts.path):
        raise SettingsError(key, f"{expected}; the database is a number")
    return url


def _broker(key: str, address: str) -> str:
    # Credentials are refused before the address is repeated in a message.
    if "@" in address:
        raise SettingsError(key, "must not hold credentials; write kafka://host:port,...")
    parts = _split(f"//{address}")
    if parts is None or parts.path or not parts.hostname:
        raise SettingsError(key, f"{address!r} is not host:port")
    name = host(key, parts.hostname)
    return f"{f'[{name}]' if ':' in name else name}:{parts.port or KAFKA_PORT}"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _hint(url: str) -> str:
    """Say what a word without a scheme may have been meant to be."""
    return nearest(url, ["embedded"]) if url.isalpha() and len(url) < len("embedded") * 2 else ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
