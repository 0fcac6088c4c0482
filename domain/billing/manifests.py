"""Manifests: which files are one edition of a bill, in the words of AWS and Azure.

- CUR: `assemblyId`, `reportKeys`; AWS Data Exports: `executionId` and `dataFiles`.
- Azure: `runInfo.runId`, `runInfo.submittedTime`, `blobs[].blobName`, `exportConfig.type`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from domain.billing.datasets import ACTUAL, AMORTISED
from domain.billing.instants import parse_instant

_AZURE_TYPES: Final = {"ActualCost": ACTUAL, "AmortizedCost": AMORTISED, "Usage": ACTUAL}


class Manifest(NamedTuple):
    """An assembly: its id, keys of its files, when it was written (epoch seconds, 0: not said), its data set."""

    assembly: str
    files: tuple[str, ...]
    written: int = 0
    dataset: str = ""


def parse_manifest(document: Any) -> Manifest | None:
    """Return what a JSON document says about files; None when it is no manifest."""
    if not isinstance(document, dict):
        return None
    if "assemblyId" in document and isinstance(document.get("reportKeys"), list):
        return Manifest(str(document["assemblyId"]), tuple(map(str, document["reportKeys"])))
    if isinstance(document.get("dataFiles"), list):
        execution = document.get("executionId") or document.get("assemblyId")
        files = tuple(sorted(map(str, document["dataFiles"])))
        return Manifest(str(execution) if execution else "/".join(files), files)
    if isinstance(document.get("blobs"), list) and isinstance(document.get("runInfo"), dict):
        return _azure(document)
    return None


def _azure(document: dict[str, Any]) -> Manifest:
    run = document["runInfo"]
    names = tuple(str(blob["blobName"]) for blob in document["blobs"] if isinstance(blob, dict) and "blobName" in blob)
    try:
        written = int(parse_instant(str(run["submittedTime"])).timestamp())
    except (KeyError, ValueError):
        written = 0
    kind = document.get("exportConfig", {}).get("type", "")
    return Manifest(str(run.get("runId", "")), names, written, _AZURE_TYPES.get(str(kind), ""))
