"""The configuration file: what it may say, and the one line that follows when it says something else."""

from __future__ import annotations

import base64
import os
import re
from decimal import Decimal
from pathlib import Path

import pytest

from app.configuration import Configuration, load_configuration, parse_configuration
from app.typed_toml import MAX_TEXT_BYTES, SettingsError
from domain.ownership import Owner, Ownership
from domain.pricing import PriceBook

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
WEBHOOK = f'[[webhooks]]\nname = "a"\nurl = "https://example.com/"\nsecret = "{SECRET}"\n'
BUDGET = '[[budgets]]\nscope = "tenant=acme"\nlimit = "100.00"\n'
PRICE = '[[prices]]\nresource_type = "compute.cpu_seconds"\nunit = "cpu_hour"\nprice = 0.05\n'
DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def parse(text: str, directory: Path = Path("/nowhere")) -> Configuration:
    return parse_configuration(text, directory / "costguard.toml")


def refusal(text: str, directory: Path = Path("/nowhere")) -> str:
    with pytest.raises(SettingsError) as caught:
        parse(text, directory)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_a_file_everything_has_a_default() -> None:
    assert load_configuration(None) == parse("") == Configuration()


def test_a_file_that_is_not_there_is_named_with_the_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_configuration(tmp_path / "none.toml")
    assert str(caught.value) == f"COSTGUARD_CONFIG: cannot read {tmp_path}/none.toml: No such file or directory"


def test_what_may_never_end_is_no_configuration(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for endless in (pipe, Path("/dev/zero")):
        with pytest.raises(SettingsError, match="it is no file"):
            load_configuration(endless)
    large = tmp_path / "large.toml"
    with large.open("wb") as file:
        file.truncate(MAX_TEXT_BYTES + 1)
    with pytest.raises(SettingsError, match="it has over 16 MB"):
        load_configuration(large)


def test_a_directory_or_other_bytes_are_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        load_configuration(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'currency = "\xff"')
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_configuration(tmp_path / "latin.toml")


def test_what_is_not_toml_is_told_with_its_place() -> None:
    line = refusal('currency = "USD"\n[[budgets]\n')
    assert line.startswith("COSTGUARD_CONFIG: /nowhere/costguard.toml is not TOML: ")
    assert "line 2" in line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[budget]]", "budget: unknown key; did you mean budgets?"),
        ('curency = "USD"', "curency: unknown key; did you mean currency?"),
        (WEBHOOK + "allow_privat = true", "webhooks[0].allow_privat: unknown key; did you mean allow_private?"),
        (BUDGET + 'limits = "1"', "budgets[0].limits: not a field of a budget; did you mean limit?"),
        (BUDGET + 'flags = [{key = "k", at = 1, varient = "off"}]', "did you mean variant?"),
        ('[[owners]]\nservices = "x"\nteam = "y"', "owners[0].services: unknown key; did you mean service?"),
        ('[tokens.ci]\ntenant = "*"', "tokens.ci.tenant: unknown key; did you mean tenants?"),
    ],
)
def test_an_unknown_key_suggests_the_nearest_known_one(text: str, line: str) -> None:
    assert line in refusal(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("currency = 3", "currency: must be a string, not a whole number"),
        ('currency = "dollars"', "currency: 'dollars' is not an ISO 4217 code such as USD"),
        ('currency = "XXQ"', "currency: 'XXQ' is not an ISO 4217 code such as USD"),
        ("webhooks = 3", "webhooks: must be a list, not a whole number"),
        ('[[webhooks]]\nname = "a"', "webhooks[0].url: missing"),
        (WEBHOOK + 'max_age = "a week"', "webhooks[0].max_age: max_age must be a number of m, h or d such as 7d"),
        (WEBHOOK + 'allow_private = "yes"', "webhooks[0].allow_private: must be true or false, not a string"),
        (WEBHOOK + "events = [3]", "webhooks[0].events[0]: must be a string, not a whole number"),
        ("tokens = 1", "tokens: must be a table, not a whole number"),
        ('[[owners]]\nservice = "x"', "owners[0].team: missing"),
        ('[[owners]]\nservice = "x"\nteam = " "', "owners[0].team: must not be empty"),
        ('[[budgets]]\nlimit = "1"', "budgets[0].scope: missing"),
        ('[[budgets]]\nscope = "all"', "budgets[0].limit: missing"),
        ('[[budgets]]\nscope = "tenat=acme"\nlimit = 1', "budgets[0].scope: "),
        (BUDGET.replace("100.00", "-1"), "budgets[0].limit: "),
        (BUDGET.replace('"100.00"', "nan"), "budgets[0].limit: "),
        (BUDGET.replace('"100.00"', "true"), "budgets[0].limit: "),
        (BUDGET + 'period = "fortnight"', "budgets[0].period: 'fortnight' is not one of"),
        (BUDGET + 'timezone = "Europe/Pari"', "budgets[0].timezone: "),
        (BUDGET + 'currency = "EUR"', "budgets[0].currency: "),
        (BUDGET + "[[budgets]]\nscope='tenant=b'\nlimit='x'", "budgets[1].limit: "),
        ('[[prices]]\nresource_type = "compute.cpu_seconds"\nunit = "cpu_hour"', "prices[0].price: missing"),
        ('[[prices]]\nresource_typ = "compute.cpu_seconds"', "prices[0].resource_type: missing"),
        (PRICE + "pric = 1", "prices[0].pric: is not a key of this price; did you mean price?"),
        (PRICE.replace("0.05", "-0.05"), "prices[0].price: "),
        (BUDGET + BUDGET, "budgets[1].scope: 'tenant=acme' is that of budgets[0] too"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_key(text: str, line: str) -> None:
    assert refusal(text).startswith(line)


def test_a_limit_is_exactly_what_was_written() -> None:
    (as_number,) = parse(BUDGET.replace('"100.00"', "0.1")).budgets
    (as_text,) = parse(BUDGET.replace("100.00", "0.1")).budgets
    assert as_number.limit == as_text.limit == Decimal("0.1")


def test_a_price_is_exactly_what_was_written() -> None:
    as_number = PriceBook.load(parse(PRICE).prices).describe()
    as_text = PriceBook.load(parse(PRICE.replace("0.05", '"0.05"')).prices).describe()
    assert as_number == as_text != PriceBook.load().describe()


def test_a_budget_has_the_currency_of_the_file() -> None:
    (budget,) = parse('currency = "EUR"\n' + BUDGET).budgets
    assert budget.currency == "EUR"


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("https://", "ftp://", "webhooks[0].url"),
        ("https://", "https://user:hunter2@", "webhooks[0].url"),
        ("https://", "https://[zz]/", "webhooks[0].url"),
        ("https://", "https://[::1", "webhooks[0].url"),
        (SECRET, "whsec_not base64", "webhooks[0].secret"),
        (SECRET, "hunter2", "webhooks[0].secret"),
        (SECRET, "whsec_c2hvcnQ=", "webhooks[0].secret"),
        (f'secret = "{SECRET}"', "", "webhooks[0].secret"),
        (f'secret = "{SECRET}"', "secret = []", "webhooks[0].secret"),
        (WEBHOOK, WEBHOOK + 'events = ["costguard.budget.crossed"]', "webhooks[0].events"),
        (WEBHOOK, WEBHOOK + "events = []", "webhooks[0].events"),
        (WEBHOOK, WEBHOOK + 'scope = "tenat=acme"', "webhooks[0].scope"),
        (WEBHOOK, WEBHOOK + WEBHOOK, "webhooks[1].name"),
        ('name = "a"', 'name = ""', "webhooks[0].name"),
    ],
)
def test_a_webhook_that_cannot_work_is_refused_by_its_key(old: str, new: str, key: str) -> None:
    line = refusal(WEBHOOK.replace(old, new))
    assert line.startswith(f"{key}: ")
    assert "hunter2" not in line


def test_a_secret_may_stand_in_a_file_beside_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "hook.secret").write_text(f"\n {SECRET} \n")
    configuration = parse(WEBHOOK.replace(f'secret = "{SECRET}"', 'secret_file = "hook.secret"'), tmp_path)
    assert configuration.webhooks[0].secrets == (SECRET,)
    assert SECRET not in repr(configuration)


def test_two_secrets_are_good_while_one_is_being_replaced(tmp_path: Path) -> None:
    other = "whsec_" + base64.b64encode(bytes(24)).decode()
    (tmp_path / "hook.secret").write_text(f"{SECRET}\n{other}\n")
    configuration = parse(WEBHOOK.replace(f'secret = "{SECRET}"', 'secret_file = "hook.secret"'), tmp_path)
    assert configuration.webhooks[0].secrets == (SECRET, other)


@pytest.mark.parametrize("content", [None, "", "whsec_x"])
def test_a_secret_file_that_holds_none_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "hook.secret").write_text(content)
    line = refusal(WEBHOOK.replace(f'secret = "{SECRET}"', 'secret_file = "hook.secret"'), tmp_path)
    assert line.startswith("webhooks[0].secret")


def test_a_secret_and_a_secret_file_contradict_each_other() -> None:
    assert refusal(WEBHOOK + 'secret_file = "x"').startswith("webhooks[0].secret_file: ")


def test_owners_in_the_file_override_codeowners(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").write_text("/services/ranker/ @acme/search\n/services/cart/ @acme/shop\n")
    text = 'codeowners = "CODEOWNERS"\n[[owners]]\nservice = "rank*"\nteam = "ranking"\n'
    configuration = parse(text, tmp_path)
    assert configuration.owners[-1] == Owner("rank*", "ranking")
    ownership = Ownership(configuration.owners)
    assert (ownership.team_of("ranker"), ownership.team_of("cart")) == ("ranking", "shop")


def test_a_codeowners_file_that_is_missing_is_told() -> None:
    assert refusal('codeowners = "CODEOWNERS"').startswith("codeowners: cannot read /nowhere/CODEOWNERS")


def test_the_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    example = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[-1]
    for name in re.findall(r'secret_file = "(.*)"', example):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a-secret-of-the-example-that-is-long")
    (tmp_path / "CODEOWNERS").write_text("* @acme/platform")
    configuration = parse(example, tmp_path)
    assert all([configuration.webhooks, configuration.budgets, configuration.prices, configuration.owners])
    assert configuration.tokens


def test_holidays_and_planned_events_are_read() -> None:
    text = """
    [anomaly]
    minimum = "2.50"
    holidays = [2026-12-25]
    [[anomaly.planned]]
    scope = "tenant=acme"
    start = 2026-12-01T00:00:00Z
    end = 2026-12-03T00:00:00Z
    reason = "launch"
    """
    settings = parse_configuration(text, Path("/nowhere/costguard.toml")).anomaly
    assert settings.minimum == Decimal("2.50")
    assert settings.is_rest_day(1_798_156_800 + 3600)
    assert settings.is_planned({"tenant": "acme", "feature": "x"}, 1_796_083_200)
    assert not settings.is_planned({"tenant": "other"}, 1_796_083_200)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('minimum = "lots"', "anomaly.minimum: 'lots' is not a decimal number"),
        ('minimum = "-1"', "anomaly.minimum: must not be negative"),
        ("holiday = []", "anomaly.holiday: unknown key; did you mean holidays?"),
        (
            "planned = [{start = 2026-12-02T00:00:00Z, end = 2026-12-02T00:00:00Z}]",
            "anomaly.planned[0].end: is not after start",
        ),
        (
            "planned = [{start = 2026-12-01T00:00:00, end = 2026-12-02T00:00:00Z}]",
            "anomaly.planned[0].start: names no UTC offset; write 2026-11-01T00:00:00Z",
        ),
    ],
)
def test_what_is_wrong_about_detection_names_its_key(text: str, error: str) -> None:
    assert refusal(f"[anomaly]\n{text}") == error
