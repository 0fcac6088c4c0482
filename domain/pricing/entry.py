"""One line of the price log, and which usage it is for.

A line is for the usage that has all it names: provider, region, model, and selectors such as a storage class.
What it leaves out it covers all of. Of several the most particular one counts: the user's before the shipped
ones, then the one with more selectors, then exact region, then provider, then any; of its log, the latest in
force.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from domain.pricing.plan import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from domain.usage import Attributes

    Wanted = dict[str, str]

SELECTORS: Final = ("storage_class", "purchase", "account")
STANDARD_CLASS: Final = "standard"
ON_DEMAND: Final = "on_demand"
# What providers call their list price, and their other ways to buy.
_PURCHASES: Final = {
    "": ON_DEMAND, "standard": ON_DEMAND, "ondemand": ON_DEMAND, "payg": ON_DEMAND,
    "pay_as_you_go": ON_DEMAND, "preemptible": "spot", "low_priority": "spot",
    "reservation": "reserved", "ri": "reserved",
}  # fmt: skip
_PROVIDERS: Final = {
    "amazon": "aws", "amazon web services": "aws", "google": "gcp", "google cloud": "gcp",
    "microsoft": "azure",
}  # fmt: skip
_CLASSES: Final = {"": STANDARD_CLASS, "hot": STANDARD_CLASS}
_NO: Final = frozenset({"", "0", "false", "no", "none", "off"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A price from `since` (epoch seconds, None: always) on.

    `rates` are per metered unit, or per token in the order of `TOKEN_CLASSES`. An entry without rates is a
    `multiplier` on the price that the usage has without its selectors.
    """

    resource_type: str
    rates: tuple[Decimal, ...]
    provider: str | None = None
    region: str | None = None
    model: str | None = None
    selectors: tuple[tuple[str, str], ...] = ()
    since: int | None = None
    multiplier: Decimal | None = None
    shipped: bool = False
    source: str = ""

    @property
    def rank(self) -> tuple[bool, int, bool, bool]:
        """How particular it is; the greater one counts."""
        return (not self.shipped, len(self.selectors), self.region is not None, self.provider is not None)

    @property
    def start(self) -> int:
        """From when on it is in force, as an instant."""
        return ALWAYS if self.since is None else self.since

    @property
    def identity(self) -> tuple[object, ...]:
        """What no two entries of one book may share."""
        kind = self.multiplier is None
        return (
            self.shipped,
            self.resource_type,
            self.provider,
            self.region,
            self.model,
            self.selectors,
            self.since,
            kind,
        )

    def applies(self, wanted: Wanted) -> bool:
        """Tell whether it is for such usage (as `wanted_by` describes it), at whatever time."""
        return (
            (self.provider is None or self.provider == wanted["provider"])
            and (self.region is None or self.region == wanted["region"])
            and all(wanted[name] == value for name, value in self.selectors)
        )


def wanted_by(attributes: Attributes) -> Wanted:
    """Describe usage by what entries name, spelled as `canonical` does."""
    snapshot = "snapshot" if is_true(attributes.snapshot) else attributes.storage_class
    return {
        "provider": canonical("provider", attributes.provider or ""),
        "region": canonical("region", attributes.region or ""),
        "storage_class": canonical("storage_class", snapshot or ""),
        "purchase": canonical("purchase", attributes.purchase or ""),
        "account": canonical("account", attributes.account or ""),
    }


def canonical(name: str, value: str) -> str:
    """Spell a value one way: lower case, and one word for what providers call differently."""
    text = value.strip().lower()
    if name == "purchase":
        text = text.replace("-", "_").replace(" ", "_")
        return _PURCHASES.get(text, text)
    if name == "storage_class":
        text = text.replace("-", "_").replace(" ", "_")
        return _CLASSES.get(text, text)
    return _PROVIDERS.get(text, text) if name == "provider" else text


def is_true(value: str | bool | None) -> bool:  # noqa: FBT001 - an attribute as senders write it
    """Read a flag as senders write it: a word for no is false, any other (`yes`, a batch id) is true."""
    return value.strip().lower() not in _NO if isinstance(value, str) else bool(value)


def in_force(entries: Iterable[Entry], at: int) -> Entry | None:
    """Return the entry that counts at an instant: the most particular, and of its log the latest."""
    started = (entry for entry in entries if entry.start <= at)
    return max(started, key=lambda entry: (entry.rank, entry.start), default=None)
