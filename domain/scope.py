"""Whose cost it is: the five dimensions of every event, and filters over them.

Terms follow the contract: a scope is `(tenant, environment, feature, service, team)`; a filter such as
`tenant=acme,feature=ai-search` selects scopes; `all` selects every scope. A character of a value may be written
percent-encoded, in UTF-8: a comma has to be, `tenant=acme%2C Inc.`, and so has a percent sign before two hexadecimal
digits.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

DIMENSIONS: Final = ("tenant", "environment", "feature", "service", "team")
UNATTRIBUTED: Final = "unattributed"
EVERYTHING: Final = "all"
# What would not be read back as it is: a comma, a sequence that looks encoded, blanks at the ends.
_NOT_PLAIN: Final = re.compile(r"[,\x00-\x1f\x7f]|%(?=[0-9A-Fa-f]{2})|^\s+|\s+$")


class Scope(NamedTuple):
    """The full key of a cost: one value per dimension, `unattributed` where nobody said."""

    tenant: str = UNATTRIBUTED
    environment: str = UNATTRIBUTED
    feature: str = UNATTRIBUTED
    service: str = UNATTRIBUTED
    team: str = UNATTRIBUTED


class ScopeFilter(NamedTuple):
    """A conjunction of `dimension=value`, in the order of `DIMENSIONS`; empty selects everything."""

    terms: tuple[tuple[str, str], ...] = ()

    def matches(self, scope: Scope) -> bool:
        """Tell whether a full scope is selected."""
        return all(getattr(scope, dimension) == value for dimension, value in self.terms)

    def __str__(self) -> str:
        return ",".join(f"{dimension}={_written(value)}" for dimension, value in self.terms) or EVERYTHING

    def as_dict(self) -> dict[str, str]:
        """Return `{dimension: value}`; empty for `all`."""
        return dict(self.terms)


def parse_filter(text: str) -> ScopeFilter:
    """Read `tenant=acme,feature=ai-search` or `all`.

    Raises `ValueError` with a sentence for the user when a dimension is unknown, repeated or empty.
    """
    if text.strip() == EVERYTHING:
        return ScopeFilter()
    found: dict[str, str] = {}
    for part in text.split(","):
        dimension, separator, value = part.strip().partition("=")
        if not separator or not value or dimension not in DIMENSIONS:
            raise ValueError(
                f"scope {text!r}: {part.strip()!r} is not dimension=value; dimensions are {', '.join(DIMENSIONS)}"
            )
        if dimension in found:
            raise ValueError(f"scope {text!r}: {dimension} is named twice")
        try:
            found[dimension] = unquote(value, errors="strict")
        except UnicodeDecodeError:
            raise ValueError(f"scope {text!r}: {dimension} is not UTF-8") from None
    return ScopeFilter(tuple((name, found[name]) for name in DIMENSIONS if name in found))


def _written(value: str) -> str:
    written = _NOT_PLAIN.sub(lambda found: quote(found[0], safe=""), value)
    # `a,feature=b` is not to look like two terms, even to who undoes the encoding of a whole path.
    return written.replace("=", "%3D") if "," in value else written
