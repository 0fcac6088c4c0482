"""Where a line of cost comes from, as the cost tables spell it.

| spelling | is |
|---|---|
| `metered`, `metered/<provider>` | usage, priced; of a provider when its price is one's |
| `billed/<provider>/<basis>/<category>` | a charge of a bill on one of the four cost bases |

A provider has one short name, whatever its bills call it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

METERED: Final = "metered"
BILLED: Final = "billed"
# As FOCUS names the columns: BilledCost, EffectiveCost, ContractedCost, ListCost.
BASES: Final = ("billed", "effective", "contracted", "list")
CATEGORIES: Final = ("usage", "purchase", "tax", "credit", "adjustment")
_ALIASES: Final = {
    "amazon_web_services": "aws",
    "amazon": "aws",
    "microsoft": "azure",
    "microsoft_azure": "azure",
    "google": "gcp",
    "google_cloud": "gcp",
    "google_cloud_platform": "gcp",
}
_OTHER_CHARACTERS: Final = re.compile(r"[^a-z0-9]+")


class Origin(NamedTuple):
    """A source, taken apart; `basis` and `category` are empty for metered cost."""

    kind: str
    provider: str = ""
    basis: str = ""
    category: str = ""


def slug(text: str) -> str:
    """Return a text in lower case, all but letters and digits as underscores."""
    return _OTHER_CHARACTERS.sub("_", text.casefold()).strip("_")


def provider_named(name: str | None) -> str:
    """Return the short name of a provider."""
    found = slug(name or "")
    return _ALIASES.get(found, found)


def billed(provider: str, basis: str, category: str) -> str:
    """Spell the source of a charge."""
    return f"{BILLED}/{provider}/{basis}/{category}"


@lru_cache(maxsize=10_000)
def metered(price_id: str) -> str:
    """Spell the source of metered cost by its price: `openai/gpt-4o@...`, `compute.gpu_hours/aws/eu-west-1@...`."""
    first, *more = price_id.partition("@")[0].partition("+")[0].split("/")
    provider = provider_named(more[0] if "." in first and more else "" if "." in first else first)
    return f"{METERED}/{provider}" if provider else METERED


@lru_cache(maxsize=10_000)
def parse(source: str) -> Origin:
    """Take a source apart."""
    return Origin(*source.split("/", 3))
