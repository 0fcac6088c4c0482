"""What the name of a resource says of where it is."""

from __future__ import annotations

from typing import Final

_GROUP: Final = "/resourcegroups/"


def group_of(resource: str) -> str:
    """Return the resource group that an Azure resource is in, in lower case (as Azure compares it); else nothing."""
    folded = resource.casefold()
    at = folded.find(_GROUP)
    if at < 0:
        return ""
    name = folded[at + len(_GROUP) :].partition("/")[0]
    return f"{folded[:at]}{_GROUP}{name}" if name else ""
