"""One report of one workload as a CloudEvent: quantities drawn around their mean, in the contract's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from domain.usage import USAGE_METERED

if TYPE_CHECKING:
    from random import Random

    from app.sample.company import Tenant, Tokens, Workload

NOISE = 0.25
ERROR_SHARE = 0.004


class Stream(NamedTuple):
    """A workload of one tenant in one environment."""

    tenant: Tenant
    environment: str
    workload: Workload


def report(stream: Stream, *, event_id: str, time: str, load: float, random: Random) -> dict[str, Any]:
    """Return the CloudEvent of one report at `load` times the workload's mean."""
    tenant, environment, workload = stream
    data: dict[str, Any] = {
        "tenant": tenant.name,
        "environment": environment,
        "feature": workload.feature,
        "service": workload.service,
        "team": workload.team,
        "resource_type": workload.resource_type,
    }
    quantity = load * random.lognormvariate(0.0, NOISE)
    if workload.tokens is None:
        data["units"] = round(workload.units * quantity, 4)
        data["attributes"] = {"provider": workload.provider, "region": tenant.region}
    else:
        data["usage"] = usage(workload.tokens, quantity, random)
        data["attributes"] = {"provider": workload.tokens.provider, "model": workload.tokens.model}
    if workload.cost_unit is not None:
        data["cost_unit"] = workload.cost_unit
        data["latency_ms"] = round(random.lognormvariate(4.5, 0.6), 1)
        data["status"] = "error" if random.random() < ERROR_SHARE else "ok"
    return envelope(event_id, f"/northwind/{workload.service}", time, data)


def usage(tokens: Tokens, quantity: float, random: Random) -> dict[str, int]:
    """Draw token counts; cache tokens are part of `input_tokens`, as providers report them."""
    taken = int(tokens.input * quantity) + 1
    counts = {
        "input_tokens": taken,
        "output_tokens": int(tokens.output * quantity * (0.7 + 0.6 * random.random())) + 1,
    }
    if tokens.cache_read:
        counts["cache_read_tokens"] = int(taken * tokens.cache_read * (0.8 + 0.4 * random.random()))
    if tokens.cache_write:
        counts["cache_write_tokens"] = int(taken * tokens.cache_write)
    return counts


def envelope(event_id: str, source: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    """Wrap `data` as a CloudEvent of usage."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": USAGE_METERED,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }
