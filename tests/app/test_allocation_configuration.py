"""`[[allocation]]` of the configuration file."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.configuration import parse_configuration
from app.typed_toml import SettingsError
from domain.allocation.patterns import Pattern
from domain.windows import DAY

if TYPE_CHECKING:
    from domain.allocation import Rule

RULE = """
[[allocation]]
id = "platform"
driver = "requests"
select = { service = ["platform", "!platform-lab"], category = "usage" }
"""


def read(text: str) -> tuple[Rule, ...]:
    return parse_configuration(text, Path()).allocation


def refusal(text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        read(text)
    return str(refused.value)


def test_a_rule_is_read_with_its_defaults() -> None:
    (rule,) = read(RULE)
    assert (rule.id, rule.version, rule.to) == ("platform", 1, ("tenant",))
    assert [driver.name for driver in rule.drivers] == ["requests", "active_users"]
    assert rule.select == (
        Pattern("service", ("platform",), ("platform-lab",)),
        Pattern("category", ("usage",)),
    )


def test_every_key_of_a_rule_is_read() -> None:
    (rule,) = read(
        RULE + 'version = 2\nto = ["tenant", "feature"]\nfallback = ["cpu", "weights"]\n'
        "since = 1970-01-02\nuntil = 1970-01-03\n"
        'among = { environment = "production" }\nweights = { "tenant=a,feature=b" = 0.25 }\n'
    )
    assert (rule.version, rule.to, rule.since, rule.until) == (2, ("tenant", "feature"), DAY, 2 * DAY)
    assert rule.weights == ((("a", "b"), Decimal("0.25")),)
    assert rule.among == (Pattern("environment", ("production",)),)


def test_a_rule_may_stand_there_in_two_versions_but_each_once() -> None:
    assert len(read(f"{RULE}until = 2026-02-01\n{RULE}version = 2\nsince = 2026-02-01")) == 2
    assert refusal(RULE + RULE) == "allocation[1].version: 'platform' version 1 is allocation[0] too"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('drivers = "cpu"', "allocation[0].drivers: unknown key; did you mean driver?"),
        ('fallback = "gpu"', "allocation[0].fallback: 'gpu' is neither one of events"),
        ("version = 0", "allocation[0].version: 0 is not 1 or more"),
        ('to = "tenants"', "allocation[0].to: 'tenants' is not one of tenant"),
        ("since = 2026-02-01\nuntil = 2026-01-01", "allocation[0].until: 2026-01-01 is not after since, 2026-02-01"),
        ('weights = { "tenant=a" = "x" }', "allocation[0].weights"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(more: str, why: str) -> None:
    assert refusal(RULE + more).startswith(why)


def test_a_misspelt_name_to_select_by_is_told_with_the_nearest() -> None:
    text = '[[allocation]]\nid = "x"\ndriver = "even"\nselect = { servce = "EC2" }'
    assert refusal(text) == "allocation[0].select.servce: unknown key; did you mean service?"


def test_the_examples_of_the_documentation_can_be_copied() -> None:
    page = (Path(__file__).parents[2] / "docs/allocation.md").read_text()
    found = parse_configuration("\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)), Path())
    assert [rule.id for rule in found.allocation] == [
        "platform",
        "cluster",
        "the old accounts are the search team's",
    ]
    assert [match.meter for match in found.reconciliation] == ["compute.gpu_hours"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('meter = "gpus"\nprovider = "aws"\nservice = "x"', "reconciliation[0].meter: 'gpus' is not a meter"),
        ('meter = "requests"\nprovider = "aws"\nservice = "x"', "reconciliation[0].meter: 'requests' is not a meter"),
        ('meter = "compute.x"\nprovider = "aws"\nservice = ""', "reconciliation[0].service: must not be empty"),
        ('meter = "compute.x"\nprovider = ""\nservice = "x"', "reconciliation[0].provider: must not be empty"),
        ('meter = "compute.x"\nprovider = "aws"\nservice = "x"\nsku = []', "reconciliation[0].sku: must not be empty"),
        (
            'meter = "compute.x"\nprovider = "aws"\nservice = "x"\nunits = 0',
            "reconciliation[0].units: 0 is not above 0",
        ),
        ('meter = "compute.x"\nprovider = "aws"', "reconciliation[0].service: missing"),
    ],
)
def test_a_match_that_names_no_meter_or_nothing_is_refused(text: str, why: str) -> None:
    assert refusal(f"[[reconciliation]]\n{text}").startswith(why)
