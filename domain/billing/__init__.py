"""Bills: reading the cost exports of providers into one shape, exactly and once. `docs/billing.md` has the contract."""

from domain.billing import aws, azure, focus, gcp, llm, opencost
from domain.billing.editions import EDITION_CLOSED, Edition, standing
from domain.billing.formats import Context, Format, Unrecognised
from domain.billing.formats import detect as detect_among
from domain.billing.header import Header
from domain.billing.occurrences import Occurrences
from domain.billing.reading import Reading, Source
from domain.billing.row import BILLING_DELTA, BillingRow, RejectedRow, event_id
from domain.billing.tags import DEFAULT_KEYS, TagTable

FORMATS = (
    focus.FORMAT,
    aws.FORMAT,
    azure.FORMAT,
    gcp.FORMAT,
    llm.OPENAI,
    llm.ANTHROPIC_API,
    llm.ANTHROPIC_CSV,
    opencost.FORMAT,
)


def detect(header: Header) -> Format | Unrecognised:
    """Return the format of a file by its columns, or what is missing."""
    return detect_among(header, FORMATS)


__all__ = [
    "BILLING_DELTA",
    "DEFAULT_KEYS",
    "EDITION_CLOSED",
    "FORMATS",
    "BillingRow",
    "Context",
    "Edition",
    "Format",
    "Header",
    "Occurrences",
    "Reading",
    "RejectedRow",
    "Source",
    "TagTable",
    "Unrecognised",
    "detect",
    "event_id",
    "standing",
]
