"""Northwind, the company of the sample: who uses what, on which service, and how much of it.

A workload is what one service reports for one feature, on the clock. Quantities are those of one replica's
report at mean load; the busier a tenant, the more replicas report.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from app.sample.rhythm import Rhythm, consumer, flat, nightly, office
from domain.usage import LLM_TOKENS

DAILY: Final = 24 * 60
API_CALLS: Final = "third_party.api_calls"
# Replicas that report for a tenant of activity 1.
REPLICAS: Final = 5


class Tenant(NamedTuple):
    """A customer: its share of activity, where it runs, its offset from UTC and its growth over the month."""

    name: str
    activity: float
    region: str
    utc_offset: int
    growth: float


class Tokens(NamedTuple):
    """A mean LLM report: tokens in and out, and which share of the input was cache reads and writes."""

    provider: str
    model: str
    input: int
    output: int
    cache_read: float = 0.0
    cache_write: float = 0.0


class Workload(NamedTuple):
    """What each replica of a service reports for one feature: `units` (or `tokens`) every `minutes`."""

    feature: str
    service: str
    team: str
    resource_type: str
    units: float
    minutes: int
    rhythm: Rhythm = office
    cost_unit: str | None = None
    provider: str = "aws"
    tokens: Tokens | None = None


TENANTS: Final = (
    Tenant("acme", 1.00, "eu-west-1", 1, 0.20),
    Tenant("globex", 0.80, "us-east-1", -5, 0.10),
    Tenant("initech", 0.65, "us-east-1", -6, 0.05),
    Tenant("umbrella", 0.50, "eu-west-1", 0, -0.15),
    Tenant("hooli", 0.35, "us-east-1", -8, 0.90),
)
# Staging and development run the same services, thinly.
ENVIRONMENTS: Final = (("production", 1.0), ("staging", 0.06), ("development", 0.03))

_RANKING = Tokens("openai", "gpt-4o-mini", 900_000, 60_000, cache_read=0.35)
_CHAT = Tokens("openai", "gpt-4o", 72_000, 7_200, cache_read=0.25)
_TRIAGE = Tokens("anthropic", "claude-haiku-4-5", 224_400, 19_200, cache_read=0.4, cache_write=0.1)
_RESEARCH = Tokens("anthropic", "claude-sonnet-4-5", 34_800, 2_520, cache_read=0.45, cache_write=0.12)
_NARRATIVE = Tokens("openai", "gpt-4o-mini", 324_000, 72_000)

# fmt: off
WORKLOADS: Final = (
    Workload("checkout", "gateway", "platform", "compute.requests", 9_000, 60, consumer, "request"),
    Workload("checkout", "checkout-api", "commerce", "compute.cpu_seconds", 4_200, 120, consumer, "request"),
    Workload("checkout", "checkout-api", "commerce", API_CALLS, 96, 240, consumer, provider="ledgerpay"),
    Workload("checkout", "checkout-api", "commerce", "network.cross_az_gb", 1.44, 240, consumer),
    Workload("ai-search", "search-api", "search", "compute.cpu_seconds", 7_080, 120, office, "query"),
    Workload("ai-search", "ranker", "search", LLM_TOKENS, 1, 60, office, "query", tokens=_RANKING),
    Workload("ai-search", "embedder", "search", "compute.gpu_hours", 0.096, 120, office, "query"),
    Workload("ai-search", "search-api", "search", "storage.gb_months", 8.4, DAILY, flat),
    Workload("support-assistant", "assistant", "assist", LLM_TOKENS, 1, 60, office, "request", tokens=_CHAT),
    Workload("support-assistant", "assistant", "assist", LLM_TOKENS, 1, 120, office, "request", tokens=_TRIAGE),
    Workload("support-assistant", "assistant", "assist", "compute.memory_gb_hours", 38.4, 240, flat),
    Workload("support-assistant", "assistant", "assist", "third_party.seats", 0.12, DAILY, flat, provider="deskhelp"),
    Workload("research-agent", "agent-runner", "agents", LLM_TOKENS, 1, 60, office, "task", tokens=_RESEARCH),
    Workload("research-agent", "agent-runner", "agents", "compute.cpu_seconds", 2_400, 240, office, "task"),
    Workload("research-agent", "web-fetcher", "agents", API_CALLS, 144, 240, provider="websearch"),
    Workload("document-ingest", "ingest-worker", "documents", "compute.cpu_seconds", 10_800, 120, nightly, "job"),
    Workload("document-ingest", "ocr", "documents", "compute.gpu_hours", 0.24, 120, nightly, "job"),
    Workload("document-ingest", "ingest-worker", "documents", "storage.operations", 63_600, 240, nightly),
    Workload("document-ingest", "ingest-worker", "documents", "storage.gb_months", 25.8, DAILY, flat),
    Workload("image-studio", "renderer", "media", "compute.gpu_hours", 0.18, 60, consumer, "job"),
    Workload("image-studio", "renderer", "media", "network.egress_gb", 8.76, 120, consumer, "gb"),
    Workload("image-studio", "renderer", "media", "storage.gb_months", 15, DAILY, flat),
    Workload("reporting", "report-builder", "insights", "compute.cpu_seconds", 6_000, 240, nightly, "job"),
    Workload("reporting", "report-builder", "insights", "compute.memory_gb_hours", 24, 240, nightly),
    Workload("reporting", "report-builder", "insights", LLM_TOKENS, 1, 240, nightly, "job", tokens=_NARRATIVE),
    Workload("notifications", "notifier", "platform", "compute.requests", 11_160, 120, consumer, "request"),
    Workload("notifications", "notifier", "platform", "network.egress_gb", 2.04, 240, consumer),
    # Nobody has told the price of a text message: it must show up as unpriced, never as free.
    Workload("notifications", "notifier", "platform", API_CALLS, 48, 480, consumer, provider="textline"),
)
# fmt: on
