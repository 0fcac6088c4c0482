"""The configuration file: webhooks, budgets, prices, owners and tokens, checked before anything starts.

`docs/configuration.md` describes every key. An unknown key is an error, not a comment: a limit that nobody
reads protects nobody. Paths are relative to the file's directory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from app.access_tokens import Token, read_tokens
from app.allocation_configuration import (
    AllocationSection,
    ReattributionSection,
    read_allocation,
    read_reattribution,
)
from app.billing_configuration import BillingSection, Bills, Fx, FxSection, read_bills, read_fx, read_tags
from app.reconciliation_configuration import ReconciliationSection, read_reconciliation
from app.typed_toml import SettingsError, parse_toml, read_secret_file, read_text, typed
from domain.anomaly.calendar import MAX_FAST, AnomalySettings, Planned
from domain.billing.tags import DEFAULT_KEYS
from domain.budgets import Budget, define
from domain.currencies import is_currency
from domain.money import parse_amount
from domain.ownership import Owner, parse_codeowners
from domain.rejection import Rejected
from domain.scope import EVERYTHING, parse_filter
from domain.webhooks import EVERY, Subscription, parse_subscription

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from domain.allocation import Rule
    from domain.reattribution.rules import Rule as Reattribution
    from domain.reconciliation import Match

FILE_KEY: Final = "COSTGUARD_CONFIG"
_WEBHOOK_FIELD: Final = re.compile(r"\b(name|url|secret|events?|scope|max_age)\b")
_FIELD_FIRST: Final = re.compile(r"([a-z_]+): (.+)", re.DOTALL)
_UNKNOWN_FIRST: Final = re.compile(r"'([^']*)' is (not a field .+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What the file says; without a file, this. `prices` are the tables that `PriceBook.load` reads.

    `owners` holds the rules of the CODEOWNERS file before those of `[[owners]]`: the last that matches wins.
    """

    webhooks: tuple[Subscription, ...] = ()
    budgets: tuple[Budget, ...] = ()
    prices: tuple[Mapping[str, Any], ...] = ()
    owners: tuple[Owner, ...] = ()
    codeowners: Path | None = None
    tokens: tuple[Token, ...] = field(default=(), repr=False)
    currency: str = "USD"
    fx: Fx = field(default_factory=Fx)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: DEFAULT_KEYS)
    bills: Bills = field(default_factory=Bills)
    allocation: tuple[Rule, ...] = ()
    reattribution: tuple[Reattribution, ...] = ()
    reconciliation: tuple[Match, ...] = ()
    anomaly: AnomalySettings = field(default_factory=AnomalySettings)


class _Webhook(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    url: str
    secret: str | list[str] | None = None
    secret_file: str | None = None
    events: list[str] = msgspec.field(default_factory=lambda: [EVERY])
    scope: str = EVERYTHING
    allow_private: bool = False
    max_age: str | None = None


class _Owner(msgspec.Struct, forbid_unknown_fields=True):
    service: str
    team: str


class _Planned(msgspec.Struct, forbid_unknown_fields=True):
    start: datetime
    end: datetime
    scope: str = EVERYTHING
    reason: str = ""


class _Anomaly(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool = True
    minimum: str = "1.00"
    fast_scopes: Annotated[int, msgspec.Meta(ge=0, le=MAX_FAST)] = 200
    fast_events: Annotated[int, msgspec.Meta(ge=1)] = 4
    holidays: list[date] = []
    planned: list[_Planned] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    currency: str = "USD"
    codeowners: str | None = None
    webhooks: list[_Webhook] = []
    budgets: list[dict[str, Any]] = []
    prices: list[dict[str, Any]] = []
    owners: list[_Owner] = []
    tokens: dict[str, dict[str, Any]] = {}
    allocation: list[AllocationSection] = []
    reattribution: list[ReattributionSection] = []
    reconciliation: list[ReconciliationSection] = []
    fx: FxSection = msgspec.field(default_factory=FxSection)
    billing: BillingSection = msgspec.field(default_factory=BillingSection)
    anomaly: _Anomaly = msgspec.field(default_factory=_Anomaly)


def load_configuration(path: Path | None) -> Configuration:
    """Read the file, or return what holds without one. Raises `SettingsError`."""
    if path is None:
        return Configuration()
    return parse_configuration(read_text(path, FILE_KEY), path)


def parse_configuration(text: str, path: Path) -> Configuration:
    """Read a configuration; `path` is where it stands: for messages, and for the paths in it."""
    file = typed(parse_toml(text, FILE_KEY, str(path)), _File)
    if not is_currency(file.currency):
        raise SettingsError("currency", f"{file.currency!r} is not an ISO 4217 code such as USD")
    codeowners = path.parent / file.codeowners if file.codeowners is not None else None
    return Configuration(
        webhooks=_webhooks(file.webhooks, path.parent),
        budgets=_budgets(file.budgets, file.currency),
        prices=_prices(file.prices, file.currency),
        owners=(*_codeowners(codeowners), *_owners(file.owners)),
        codeowners=codeowners,
        tokens=read_tokens(file.tokens, path.parent),
        currency=file.currency,
        fx=read_fx(file.fx),
        tags=read_tags(file.billing),
        bills=read_bills(file.billing, path.parent),
        allocation=read_allocation(file.allocation),
        reattribution=read_reattribution(file.reattribution),
        reconciliation=read_reconciliation(file.reconciliation),
        anomaly=_anomaly(file.anomaly),
    )


def _webhooks(sections: Sequence[_Webhook], directory: Path) -> tuple[Subscription, ...]:
    _distinct([section.name for section in sections], "webhooks", "name")
    return tuple(_webhook(section, f"webhooks[{i}]", directory) for i, section in enumerate(sections))


def _webhook(section: _Webhook, key: str, directory: Path) -> Subscription:
    entry = msgspec.structs.asdict(section)
    named = entry.pop("secret_file")
    if named is not None:
        if section.secret is not None:
            raise SettingsError(f"{key}.secret_file", "there is a secret too; give one of them")
        entry["secret"] = read_secret_file(directory / named, f"{key}.secret_file")
    subscription = parse_subscription(entry)
    if isinstance(subscription, Rejected):
        sentence = subscription.reason.removeprefix(f"webhooks.{section.name}: ").removeprefix("webhooks: ")
        raise SettingsError(f"{key}.{_webhook_field(sentence)}", sentence)
    return subscription


def _webhook_field(sentence: str) -> str:
    """Return which field a sentence of `domain.webhooks` is about: the first one it names."""
    found = _WEBHOOK_FIELD.search(sentence)
    name = found[1] if found else "name"
    return "events" if name == "event" else name


def _budgets(tables: Sequence[Mapping[str, Any]], currency: str) -> tuple[Budget, ...]:
    budgets = tuple(_budget(table, f"budgets[{i}]", currency) for i, table in enumerate(tables))
    _distinct([str(budget.scope) for budget in budgets], "budgets", "scope")
    return budgets


def _budget(table: Mapping[str, Any], key: str, currency: str) -> Budget:
    scope = table.get("scope")
    if not isinstance(scope, str):
        raise SettingsError(f"{key}.scope", 'missing; write dimension=value terms such as "tenant=acme", or "all"')
    try:
        terms = parse_filter(scope)
    except ValueError as error:
        raise SettingsError(f"{key}.scope", str(error)) from None
    body = {name: value for name, value in table.items() if name != "scope"}
    return _accepted(define(terms, body, currency), key)


def _accepted(defined: Budget | Rejected, key: str) -> Budget:
    if not isinstance(defined, Rejected):
        return defined
    if found := _FIELD_FIRST.fullmatch(defined.reason) or _UNKNOWN_FIRST.fullmatch(defined.reason):
        raise SettingsError(f"{key}.{found[1]}", found[2])
    raise SettingsError(key, defined.reason)


def _prices(tables: Sequence[Mapping[str, Any]], currency: str) -> tuple[Mapping[str, Any], ...]:
    """Check the tables as `PriceBook.load` does; a number is handed on as the text it was written as."""
    prices = tuple({name: _exact(value) for name, value in table.items()} for table in tables)
    if prices:
        # The list prices of all models come with it: a second that most commands need not wait.
        from domain.pricing.parsing import parse_entries  # noqa: PLC0415

        try:
            parse_entries(prices, currency=currency)
        except ValueError as error:
            key, _, sentence = str(error).partition(": ")
            raise SettingsError(key, sentence) from None
    return prices


def _exact(value: Any) -> Any:
    return format(value, "f") if isinstance(value, Decimal) else value


def _codeowners(path: Path | None) -> Sequence[Owner]:
    return parse_codeowners(read_text(path, "codeowners")) if path is not None else ()


def _owners(sections: Sequence[_Owner]) -> Sequence[Owner]:
    for i, section in enumerate(sections):
        for name, value in (("service", section.service), ("team", section.team)):
            if not value.strip():
                raise SettingsError(f"owners[{i}].{name}", "must not be empty")
    return [Owner(section.service, section.team) for section in sections]


def _anomaly(section: _Anomaly) -> AnomalySettings:
    try:
        minimum = parse_amount(section.minimum)
    except ValueError as error:
        raise SettingsError("anomaly.minimum", str(error)) from None
    if minimum < 0:
        raise SettingsError("anomaly.minimum", "must not be negative")
    return AnomalySettings(
        enabled=section.enabled,
        minimum=minimum,
        fast=section.fast_scopes,
        fast_events=section.fast_events,
        holidays=frozenset(int(datetime.combine(day, time(), UTC).timestamp()) for day in section.holidays),
        planned=tuple(_planned(event, f"anomaly.planned[{i}]") for i, event in enumerate(section.planned)),
    )


def _planned(event: _Planned, key: str) -> Planned:
    for name, moment in (("start", event.start), ("end", event.end)):
        if moment.tzinfo is None:
            raise SettingsError(f"{key}.{name}", "names no UTC offset; write 2026-11-01T00:00:00Z")
    if event.end <= event.start:
        raise SettingsError(f"{key}.end", "is not after start")
    try:
        scope = parse_filter(event.scope)
    except ValueError as error:
        raise SettingsError(f"{key}.scope", str(error)) from None
    return Planned(scope, int(event.start.timestamp()), int(event.end.timestamp()), event.reason)


def _distinct(names: Sequence[str], section: str, name: str) -> None:
    for i, value in enumerate(names):
        if (first := names.index(value)) < i:
            raise SettingsError(f"{section}[{i}].{name}", f"{value!r} is that of {section}[{first}] too")
