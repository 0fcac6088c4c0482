"""Northwind, the company of the sample: who uses what, on which service, and how much of it.

A workload is what one service reports for one feature. Quantities are those of one report at mean load; the
busier a tenant, the more often it reports.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from app.sample.rhythm import Rhythm, consumer, flat, nightly, office
from domain.usage import LLM_TOKENS

DAILY: Final = 24 * 60


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
    """What one service reports for one feature: `units` (or `tokens`) every `minutes` at activity 1."""

    feature: str
    service: str
    team: str
    resource_type: str
    units: float
    minutes: float
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
_CHAT = Tokens("openai", "gpt-4o", 90_000, 9_000, cache_read=0.25)
_TRIAGE = Tokens("anthropic", "claude-haiku-4-5", 140_000, 12_000, cache_read=0.4, cache_write=0.1)
_RESEARCH = Tokens("anthropic", "claude-sonnet-4-5", 70_000, 5_000, cache_read=0.45, cache_write=0.12)
_NARRATIVE = Tokens("openai", "gpt-4o-mini", 400_000, 90_000)

WORKLOADS: Final = (
    Workload("checkout", "gateway", "platform", "compute.requests", 9_000, 12, consumer, "request"),
    Workload("checkout", "checkout-api", "commerce", "compute.cpu_seconds", 2_600, 15, consumer, "request"),
    Workload(
        "checkout",
        "checkout-api",
        "commerce",
        "third_party.api_calls",
        60,
        30,
        consumer,
        provider="ledgerpay",
    ),
    Workload("checkout", "checkout-api", "commerce", "network.cross_az_gb", 1.8, 60, consumer),
    Workload("ai-search", "search-api", "search", "compute.cpu_seconds", 4_400, 15, office, "query"),
    Workload("ai-search", "ranker", "search", LLM_TOKENS, 1, 12, office, "query", tokens=_RANKING),
    Workload("ai-search", "embedder", "search", "compute.gpu_hours", 0.12, 30, office, "query"),
    Workload("ai-search", "search-api", "search", "storage.gb_months", 42, DAILY, flat),
    Workload("support-assistant", "assistant", "assist", LLM_TOKENS, 1, 15, office, "request", tokens=_CHAT),
    Workload(
        "support-assistant", "assistant", "assist", LLM_TOKENS, 1, 15, office, "request", tokens=_TRIAGE
    ),
    Workload("support-assistant", "assistant", "assist", "compute.memory_gb_hours", 48, 60, flat),
    Workload(
        "support-assistant", "assistant", "assist", "third_party.seats", 0.6, DAILY, flat, provider="deskhelp"
    ),
    Workload("research-agent", "agent-runner", "agents", LLM_TOKENS, 1, 24, office, "task", tokens=_RESEARCH),
    Workload("research-agent", "agent-runner", "agents", "compute.cpu_seconds", 3_000, 60, office, "task"),
    Workload(
        "research-agent", "web-fetcher", "agents", "third_party.api_calls", 90, 30, provider="websearch"
    ),
    Workload(
        "document-ingest", "ingest-worker", "documents", "compute.cpu_seconds", 9_000, 20, nightly, "job"
    ),
    Workload("document-ingest", "ocr", "documents", "compute.gpu_hours", 0.3, 30, nightly, "job"),
    Workload("document-ingest", "ingest-worker", "documents", "storage.operations", 40_000, 30, nightly),
    Workload("document-ingest", "ingest-worker", "documents", "storage.gb_months", 130, DAILY, flat),
    Workload("image-studio", "renderer", "media", "compute.gpu_hours", 0.22, 15, consumer, "job"),
    Workload("image-studio", "renderer", "media", "network.egress_gb", 11, 30, consumer, "gb"),
    Workload("image-studio", "renderer", "media", "storage.gb_months", 75, DAILY, flat),
    Workload("reporting", "report-builder", "insights", "compute.cpu_seconds", 7_500, 60, nightly, "job"),
    Workload("reporting", "report-builder", "insights", "compute.memory_gb_hours", 30, 60, nightly),
    Workload("reporting", "report-builder", "insights", LLM_TOKENS, 1, 60, nightly, "job", tokens=_NARRATIVE),
    Workload("notifications", "notifier", "platform", "compute.requests", 14_000, 30, consumer, "request"),
    Workload("notifications", "notifier", "platform", "network.egress_gb", 2.5, 60, consumer),
    # Nobody has told the price of a text message: it must show up as unpriced, never as free.
    Workload("notifications", "notifier", "platform", "third_party.api_calls", 120, 240, provider="textline"),
)
