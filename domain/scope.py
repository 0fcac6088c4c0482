"""Whose cost it is: the five dimensions of every event, and filters over them.

Terms follow the contract: a scope is `(tenant, environment, feature, service, team)`; a filter such as
`tenant=acme,feature=ai-search` selects scopes; `all` selects every scope.
"""

from __future__ import annotations

from typing import Final, NamedTuple

DIMENSIONS: Final = ("tenant", "environment", "feature", "service", "team")
UNATTRIBUTED: Final = "unattributed"
EVERYTHING: Final = "all"


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
        return ",".join(f"{dimension}={value}" for dimension, value in self.terms) or EVERYTHING

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
        found[dimension] = value
    return ScopeFilter(tuple((name, found[name]) for name in DIMENSIONS if name in found))
