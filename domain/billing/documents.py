"""The answers of cost APIs, opened into one flat record per charge.

- OpenAI `GET /v1/organization/costs`, Anthropic `GET /v1/organizations/cost_report`: `data` is a list of buckets with
  times, and `results` in each.
- OpenCost and Kubecost `GET /allocation`: `data` is a list of windows, each an object of allocations by name.
- `{"records": [...]}`: its members. A list of records (BigQuery), or of any of these: its members in turn.

A window or bucket in which nothing was spent is no charge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def records_of(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the charges of a document; of one that is none of these, the document itself."""
    if isinstance(document, list):
        for each in document:
            yield from records_of(each)
    elif isinstance(document, dict):
        data = document.get("data")
        if isinstance(data, list):
            for each in data:
                yield from _bucket_or_window(each)
        elif isinstance(document.get("results"), list):
            yield from _bucket_or_window(document)
        elif isinstance(document.get("records"), list):
            yield from records_of(document["records"])
        else:
            yield document


def _bucket_or_window(entry: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(entry, dict):
        return
    results = entry.get("results")
    if isinstance(results, list):
        times = {key: value for key, value in entry.items() if key not in ("results", "object")}
        yield from ({**times, **result} for result in results if isinstance(result, dict))
    elif entry and all(isinstance(value, dict) for value in entry.values()):
        for name, allocation in entry.items():
            yield {"name": name, **allocation}
    elif entry:
        yield entry
