"""Which variant of an LLM price a request asks for: standard, batch, or a service tier such as flex."""

from __future__ import annotations

from typing import Final

from domain.pricing.entry import is_true

STANDARD: Final = ""
BATCH: Final = "batch"
# What providers call their standard tier; `auto` is answered by it unless the provider says otherwise.
_STANDARD_TIERS: Final = frozenset({"", "standard", "standard_only", "default", "auto", "on_demand"})
# What senders write into `batch` for a request that was none.
_STANDARD_BATCH: Final = frozenset({"standard", "default"})


def variant(service_tier: str | None, batch: str | bool | None) -> str:  # noqa: FBT001 - an attribute as it comes
    """Return the variant's name: `""` for standard, else lower case; two at once are one nobody prices."""
    tier = (service_tier or "").strip().lower().replace("-", "_")
    tier = STANDARD if tier in _STANDARD_TIERS else tier
    batched = is_true(batch) and not (isinstance(batch, str) and batch.strip().lower() in _STANDARD_BATCH)
    if not batched:
        return tier
    return BATCH if tier in (STANDARD, BATCH) else f"{BATCH}+{tier}"
