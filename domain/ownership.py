"""Which team owns a service: an ownership registry from TOML rules and a CODEOWNERS file.

A rule is a pattern for the service's name (`*` and `?` as in file names) and a team. As in CODEOWNERS, the last
rule that matches wins; TOML rules come after the file's, so they override it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_REMEMBERED: Final = 100_000


class Owner(NamedTuple):
    """One rule: services that match the pattern belong to the team."""

    service: str
    team: str


class Ownership:
    """The registry; look-ups are remembered."""

    def __init__(self, rules: Iterable[Owner] = ()) -> None:
        self._rules = tuple(rules)
        self._remembered: dict[str, str | None] = {}

    def team_of(self, service: str) -> str | None:
        """Return the owning team, or None when no rule names the service."""
        try:
            return self._remembered[service]
        except KeyError:
            team = next((rule.team for rule in reversed(self._rules) if fnmatchcase(service, rule.service)), None)
            if len(self._remembered) < _MAX_REMEMBERED:
                self._remembered[service] = team
            return team


def parse_codeowners(text: str) -> list[Owner]:
    """Read a CODEOWNERS file: the last part of each path names the service, the first owner the team.

    `/services/ranker/ @acme/search` makes `ranker` belong to `search`. A path without owners, or with users only
    (`@ann`, `ann@acme.com`), names no team and is passed over.
    """
    rules = []
    for line in text.splitlines():
        path, *owners = line.partition("#")[0].split() or [""]
        service = next((part for part in reversed(path.split("/")) if part.strip("*")), "*" if path == "*" else "")
        team = next((owner.partition("/")[2] for owner in owners if owner.startswith("@") and "/" in owner), "")
        if service and team:
            rules.append(Owner(service, team))
    return rules
