"""Until when bills tell all there is to tell, by provider.

The last day that an export charges may still grow, unless every row is invoiced or the export was written three days
later. An account is complete as far as its newest statement is; a provider as its slowest account that still has
bills.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing.datasets import completes
from domain.sources import provider_named
from domain.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.billing.editions import Edition

# An account without a bill for so long has ended.
_SILENT: Final = 35 * DAY
_SETTLED_AFTER: Final = 3 * DAY


def coverage(statements: Iterable[tuple[str, Iterable[Edition]]]) -> dict[str, dict[str, int]]:
    """Return, by provider and account, the instant (epoch seconds) before which every day is billed.

    `statements` are the editions that count, by name.
    """
    found: dict[str, dict[str, int]] = {}
    for name, counting in statements:
        # One without rows says that a bill was taken back, and tells no day.
        until = max((_until(edition) for edition in counting if edition.rows), default=0)
        if until > 0 and completes(name):
            provider, _, rest = name.partition("/")
            accounts = found.setdefault(provider_named(provider), {})
            account = rest.rpartition("/")[0]
            accounts[account] = max(accounts.get(account, 0), until)
    return found


def by_provider(partitions: Iterable[dict[str, dict[str, int]]]) -> dict[str, int]:
    """Return the instant before which all accounts of a provider are billed, from what every partition knows."""
    accounts: dict[str, dict[str, int]] = {}
    for found in partitions:
        for provider, untils in found.items():
            known = accounts.setdefault(provider, {})
            for account, until in untils.items():
                known[account] = max(known.get(account, 0), until)
    return {provider: _slowest(untils.values()) for provider, untils in accounts.items()}


def _slowest(untils: Iterable[int]) -> int:
    known = list(untils)
    newest = max(known)
    return min(until for until in known if until > newest - _SILENT)


def _until(edition: Edition) -> int:
    last_day = ((edition.billed_until or edition.latest) - 1) // DAY * DAY
    is_settled = edition.final or edition.written >= last_day + DAY + _SETTLED_AFTER
    return last_day + DAY if is_settled else last_day
