"""Who may call the API: `[tokens.<name>]`, each bound to tenants and to rights."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from app.typed_toml import SettingsError, read_secret_file, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

READ: Final = "read"
WRITE: Final = "write"
ADMIN: Final = "admin"
RIGHTS: Final = (READ, WRITE, ADMIN)
EVERY_TENANT: Final = "*"
MIN_SECRET: Final = 16
# What RFC 6750 allows after `Bearer `.
_SECRET: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token; `tenants` is None when it is good for all. `admin` holds the other rights too.

    `sources` are what the source of an event that it writes may begin with; None for any.
    """

    name: str
    secret: str = field(repr=False)
    tenants: frozenset[str] | None
    rights: frozenset[str]
    sources: tuple[str, ...] | None = None

    def matches(self, presented: str) -> bool:
        """Compare in a time that tells nothing of the secret, its length neither."""
        return hmac.compare_digest(_digest(self.secret), _digest(presented))

    def allows(self, right: str, tenant: str | None = None) -> bool:
        """Tell whether the token holds a right: for one tenant, or (None) for what concerns all of them."""
        return right in self.rights and (self.tenants is None or tenant in self.tenants)

    def speaks_for(self, source: str) -> bool:
        """Tell whether the token may write events of a source: an event is the same by its source and id."""
        return self.sources is None or source.startswith(self.sources)


class _Section(msgspec.Struct, forbid_unknown_fields=True):
    tenants: list[str] | str
    secret: str | None = None
    secret_file: str | None = None
    rights: list[str] = msgspec.field(default_factory=lambda: [READ])
    sources: list[str] | None = None


def find_token(tokens: Iterable[Token], presented: str) -> Token | None:
    """Return the token with this secret; all are compared, whichever it is."""
    found = [token for token in tokens if token.matches(presented)]
    return found[0] if found else None


def _digest(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode("utf-8", "surrogateescape")).digest()


def read_tokens(sections: Mapping[str, Mapping[str, Any]], directory: Path) -> tuple[Token, ...]:
    """Read all `[tokens.<name>]`; secret files are relative to `directory`. Raises `SettingsError`."""
    tokens: list[Token] = []
    for name, table in sections.items():
        key = f"tokens.{name}"
        token = _token(name, typed(table, _Section, key), key, directory)
        if (other := find_token(tokens, token.secret)) is not None:
            raise SettingsError(key, f"has the secret of tokens.{other.name}")
        tokens.append(token)
    return tuple(tokens)


def _token(name: str, section: _Section, key: str, directory: Path) -> Token:
    secret = _secret(section, key, directory)
    return Token(name, secret, _tenants(section, key), _rights(section, key), _sources(section, key))


def _sources(section: _Section, key: str) -> tuple[str, ...] | None:
    if section.sources is None:
        return None
    if not section.sources or not all(section.sources):
        raise SettingsError(f"{key}.sources", 'must be a list of beginnings such as ["/gateways/acme/"]')
    return tuple(section.sources)


def _secret(section: _Section, key: str, directory: Path) -> str:
    if (section.secret is None) == (section.secret_file is None):
        raise SettingsError(f"{key}.secret", "give one of secret and secret_file")
    place, secret = f"{key}.secret", section.secret
    if section.secret_file is not None:
        place = f"{key}.secret_file"
        secret, *more = read_secret_file(directory / section.secret_file, place)
        if more:
            raise SettingsError(place, "the file must hold one line, the secret")
    if secret is None or len(secret) < MIN_SECRET or not _SECRET.fullmatch(secret):
        raise SettingsError(place, f"a token has at least {MIN_SECRET} letters, digits and ._~+/- (and = at its end)")
    return secret


def _tenants(section: _Section, key: str) -> frozenset[str] | None:
    if section.tenants == EVERY_TENANT:
        return None
    if isinstance(section.tenants, str) or not all(section.tenants) or not section.tenants:
        raise SettingsError(f"{key}.tenants", f'must be a list of tenants such as ["acme"], or "{EVERY_TENANT}"')
    if EVERY_TENANT in section.tenants:
        raise SettingsError(f"{key}.tenants", f'for all tenants write tenants = "{EVERY_TENANT}"')
    return frozenset(section.tenants)


def _rights(section: _Section, key: str) -> frozenset[str]:
    if not section.rights:
        raise SettingsError(f"{key}.rights", f"must name one of {', '.join(RIGHTS)}")
    for right in section.rights:
        if right not in RIGHTS:
            raise SettingsError(f"{key}.rights", f"{right!r} is not one of {', '.join(RIGHTS)}")
    return frozenset(RIGHTS if ADMIN in section.rights else section.rights)
