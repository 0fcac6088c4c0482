"""Every format that is read, in the order in which a header is tried on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from domain.billing import aws, azure, focus, gcp, llm, opencost
from domain.billing.formats import detect as detect_among

if TYPE_CHECKING:
    from domain.billing.formats import Format, Unrecognised
    from domain.billing.header import Header

FORMATS: Final = (
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
