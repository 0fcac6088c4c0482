from __future__ import annotations

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rejection import Rejected
from domain.scope import parse_filter
from domain.webhooks import (
    EVENT_TYPES,
    EVERY,
    MAX_BODY_BYTES,
    Event,
    Subscription,
    delivery_identity,
    parse_event,
    parse_subscription,
)

KEY = base64.b64encode(bytes(range(32))).decode()
SECRET = f"whsec_{KEY}"
ENTRY = {"name": "hook", "url": "https://flags.example.com/costguard?token=t", "secret": SECRET}
CROSSED = "costguard.budget.threshold-crossed"


def subscription(**changes: object) -> Subscription:
    parsed = parse_subscription({**ENTRY, **changes})
    assert isinstance(parsed, Subscription)
    return parsed


def crossed(identifier: str = "e1", source: str = "/costguard/budgets", **scope: str) -> Event:
    value = orjson.dumps(
        {
            "id": identifier,
            "source": source,
            "type": CROSSED,
            "time": "2026-11-03T00:00:00Z",
            "data": {"scope": scope},
        }
    )
    parsed = parse_event(value)
    assert isinstance(parsed, Event)
    return parsed


def test_an_entry_of_the_contract_is_a_subscription() -> None:
    got = subscription(events=[CROSSED], allow_private=True, scope="tenant=acme")
    assert got == Subscription(
        "hook", ENTRY["url"], (SECRET,), frozenset({CROSSED}), parse_filter("tenant=acme"), allow_private=True
    )


def test_private_addresses_are_refused_and_every_event_heard_by_default() -> None:
    assert not subscription().allow_private
    assert subscription().events == {EVERY}


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("name", "", "name"),
        ("url", None, "url"),
        ("url", "ftp://example.com/", "http"),
        ("url", "https:///path", "http"),
        ("url", "https://user:pw@example.com/", "credentials"),
        ("url", "https://@example.com/", "credentials"),
        ("url", "https://example.com/#x", "fragment"),
        ("url", "https://example.com/a b", "blank"),
        ("url", "https://example.com/\r\nx: y", "blank"),
        ("url", "https://example.com:99999/", "ort"),
        ("secret", None, "secret"),
        ("secret", [], "secret"),
        ("secret", KEY, "whsec_"),
        ("secret", "whsec_not base64!", "base64"),
        ("secret", "whsec_" + base64.b64encode(b"short").decode(), "5"),
        ("secret", [SECRET, "whsec_"], "whsec_"),
        ("events", [], "events"),
        ("events", CROSSED, "events"),
        ("events", ["costguard.budget.crossed"], "threshold-crossed"),
        ("events", ["costguard.rejected"], "unknown"),
        ("scope", "customer=acme", "customer"),
        ("allow_private", "yes", "allow_private"),
    ],
)
def test_a_wrong_entry_is_answered_with_a_sentence_that_names_it(key: str, value: object, word: str) -> None:
    got = parse_subscription({**ENTRY, key: value})
    assert isinstance(got, Rejected)
    assert word in got.reason
    assert SECRET not in got.reason
    assert "pw@" not in got.reason


def test_neither_secret_nor_url_is_shown_by_repr() -> None:
    shown = repr(subscription())
    assert KEY not in shown
    assert "token" not in shown


@pytest.mark.parametrize(
    ("filter_", "scope", "wanted"),
    [
        ("all", {}, True),
        ("all", {"tenant": "acme"}, True),
        ("tenant=acme", {"tenant": "acme"}, True),
        ("tenant=acme", {"tenant": "acme", "feature": "x"}, True),
        ("tenant=acme", {"tenant": "other"}, False),
        ("tenant=acme", {"feature": "acme"}, False),
        ("tenant=acme", {}, False),
        ("tenant=acme,feature=x", {"tenant": "acme"}, False),
    ],
)
def test_a_scope_filter_wants_events_inside_its_scope(filter_: str, scope: dict[str, str], *, wanted: bool) -> None:
    assert subscription(scope=filter_).wants(crossed(**scope)) is wanted


def test_events_are_matched_by_type_and_star_means_all_that_can_be_subscribed_to() -> None:
    assert not subscription(events=["costguard.flag.changed"]).wants(crossed())
    for kind in EVENT_TYPES:
        raw = {"id": "1", "source": "/s", "type": kind, "time": "2026-11-03T00:00:00Z"}
        event = parse_event(orjson.dumps(raw))
        assert isinstance(event, Event)
        assert subscription(events=[EVERY]).wants(event)
        state = parse_event(orjson.dumps({**raw, "type": "costguard.budget.status"}))
        assert isinstance(state, Event)
        assert not subscription(events=[EVERY]).wants(state)


@given(st.binary(max_size=200))
def test_foreign_bytes_never_raise(value: bytes) -> None:
    assert isinstance(parse_event(value), Event | Rejected)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"id":"1","source":"/s","type":"t","time":"2026-11-03T00:00:00"}',
        b'{"id":"","source":"/s","type":"t","time":"2026-11-03T00:00:00Z"}',
        b'{"id":"1","source":"/s","type":"t","time":"2026-11-03T00:00:00Z","x":"\xff"}',
        b'{"id":"1","source":"/s","type":"t","time":"2026-11-03T00:00:00Z","x":"' + b"a" * MAX_BODY_BYTES + b'"}',
    ],
)
def test_what_is_no_deliverable_event_is_rejected(value: bytes) -> None:
    assert isinstance(parse_event(value), Rejected)


def test_the_message_id_is_the_events_id() -> None:
    assert crossed("3f2a").message_id == "3f2a"


@pytest.mark.parametrize("identifier", ["a.b", "é", "a\r\nb", "x" * 300, " "])
def test_an_id_unfit_for_a_header_or_a_signature_is_hashed(identifier: str) -> None:
    first, again = crossed(identifier).message_id, crossed(identifier).message_id
    assert first == again
    assert first.removeprefix("evt_").isalnum()
    assert crossed(identifier, source="/other").message_id != first


@given(*[st.tuples(st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))] * 2)
def test_two_deliveries_share_an_identity_only_when_they_are_one(
    one: tuple[str, str, str], two: tuple[str, str, str]
) -> None:
    def identity(name: str, source: str, identifier: str) -> bytes:
        return delivery_identity(name, crossed(identifier or "-", source or "-"))

    def normal(parts: tuple[str, str, str]) -> tuple[str, str, str]:
        return parts[0], parts[1] or "-", parts[2] or "-"

    assert (identity(*one) == identity(*two)) == (normal(one) == normal(two))
