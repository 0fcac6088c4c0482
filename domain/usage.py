"""The metered event as typed structs: what `usage-metered` carries (CloudEvents 1.0 around `UsageMetered`).

Shapes and the bounds that the decoder can check while it reads; `codec` decides the rest.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

USAGE_METERED: Final = "costguard.usage.metered"
DRIVERS: Final = ("compute", "storage", "network", "third_party", "shared")
LLM_TOKENS: Final = "third_party.llm_tokens"
TENANT_ACTIVITY: Final = "costguard.tenant.activity"
# How many users of a tenant were active on a day: free, and what shared cost may be split by.
ACTIVE_USERS: Final = "shared.active_users"


MAX_ID_CHARS: Final = 512
MAX_NAME_CHARS: Final = 256
Identifier = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS)]
Name = Annotated[str, Meta(max_length=MAX_NAME_CHARS)]
# Far more than any call has; sums of any number of calls stay exact.
MAX_TOKENS: Final = 10**15
Tokens = Annotated[int, Meta(le=MAX_TOKENS)]


class TokenUsage(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Token counts of one LLM call, in the names of genai-prices.

    Cache and audio tokens are part of `input_tokens` and `output_tokens`, as providers report them.
    """

    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_read_tokens: Tokens = 0
    cache_write_tokens: Tokens = 0
    cache_write_5m_tokens: Tokens = 0
    cache_write_1h_tokens: Tokens = 0
    input_audio_tokens: Tokens = 0
    cache_audio_read_tokens: Tokens = 0
    output_audio_tokens: Tokens = 0
    reasoning_tokens: Tokens = 0


class Attributes(msgspec.Struct, frozen=True, gc=False):
    """What pricing and reports read of `attributes`; anything else a sender adds is ignored."""

    provider: Name | None = None
    region: Name | None = None
    model: Name | None = None
    service_tier: Name | None = None
    batch: Name | bool | None = None
    storage_class: Name | None = None
    snapshot: Name | bool | None = None
    purchase: Name | None = None
    unit: Name | None = None
    account: Name | None = None


NO_ATTRIBUTES: Final = Attributes()


class UsageMetered(msgspec.Struct, frozen=True, gc=False):
    """`data` of a usage event."""

    resource_type: str
    tenant: Name | None = None
    environment: Name | None = None
    feature: Name | None = None
    service: Name | None = None
    team: Name | None = None
    units: Decimal | None = None
    usage: TokenUsage | None = None
    attributes: Attributes | None = None
    cost_unit: Name | None = None
    latency_ms: float | None = None
    size_bytes: int | None = None
    status: str | None = None


class UsageEvent(msgspec.Struct, frozen=True, gc=False):
    """The CloudEvent around it, structured mode."""

    specversion: Literal["1.0"]
    id: Identifier
    source: Identifier
    type: Literal["costguard.usage.metered"]
    time: Annotated[datetime, Meta(tz=True)]
    data: UsageMetered


class TenantActivity(msgspec.Struct, frozen=True, gc=False):
    """`data` of an event that says how many users of a tenant were active on the day of its time."""

    tenant: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS)]
    users: Decimal
    environment: Name | None = None
    feature: Name | None = None
    service: Name | None = None
    team: Name | None = None


class ActivityEvent(msgspec.Struct, frozen=True, gc=False):
    """The CloudEvent around it, structured mode."""

    specversion: Literal["1.0"]
    id: Identifier
    source: Identifier
    type: Literal["costguard.tenant.activity"]
    time: Annotated[datetime, Meta(tz=True)]
    data: TenantActivity
