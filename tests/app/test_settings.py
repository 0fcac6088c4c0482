"""What the environment and flags may say, and the one line that follows when they say something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access_tokens import Token
from app.settings import (
    Configuration,
    SettingsError,
    check_exposure,
    load_settings,
    unknown_variables,
)

CI = Token("ci", "0123456789abcdef", None, frozenset({"read"}))


def refusal(environ: dict[str, str], **flags: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, flags)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_configured_is_the_embedded_system_on_loopback() -> None:
    settings = load_settings({}, {})
    assert (settings.broker_url, settings.redis_url) == ("embedded", "embedded")
    assert (settings.api_host, settings.api_port, settings.embedded_broker_port) == ("127.0.0.1", 8000, 19092)
    assert settings.data_dir == Path.cwd() / "var"
    assert settings.bootstrap == "127.0.0.1:19092"
    assert settings.embedded_broker
    assert settings.config_path is None


def test_a_flag_wins_over_the_environment_which_wins_over_the_default() -> None:
    environ = {"COSTGUARD_WORKERS": "2", "COSTGUARD_API_PORT": "9000"}
    settings = load_settings(environ, {"workers": "3", "api_port": None})
    assert (settings.workers, settings.api_port, settings.partitions) == (3, 9000, 4)


def test_an_empty_variable_counts_as_unset() -> None:
    assert load_settings({"COSTGUARD_CONFIG": "", "COSTGUARD_WORKERS": ""}, {}) == load_settings({}, {})


@pytest.mark.parametrize(
    ("variable", "text", "problem"),
    [
        ("COSTGUARD_WORKERS", "many", "'many' is not a whole number"),
        ("COSTGUARD_WORKERS", "1.5", "'1.5' is not a whole number"),
        ("COSTGUARD_WORKERS", "0", "0 is not between 1 and 64"),
        ("COSTGUARD_API_PORT", "0", "0 is not between 1 and 65535"),
        ("COSTGUARD_API_PORT", "65536", "65536 is not between 1 and 65535"),
        ("COSTGUARD_EMBEDDED_BROKER_PORT", "-1", "-1 is not between 1 and 65535"),
        ("COSTGUARD_API_HOST", "a b", "'a b' is neither a host name nor an IP address"),
        ("COSTGUARD_PARTITIONS", "0", "0 is not between 1 and 1024"),
        ("COSTGUARD_SESSION_TIMEOUT", "soon", "'soon' is not a number of seconds"),
        ("COSTGUARD_LOG_LEVEL", "loud", "'loud' is not one of debug, info, warning, error"),
        ("COSTGUARD_TOPIC_PREFIX", "a/b", "'a/b' must be at most 100 letters"),
        ("COSTGUARD_BROKER_URL", "embeded", "did you mean embedded?"),
        ("COSTGUARD_BROKER_URL", "http://kafka:9092", "must be embedded or kafka://host:port,..."),
        ("COSTGUARD_BROKER_URL", "kafka://", "'' is not host:port"),
        ("COSTGUARD_BROKER_URL", "kafka://a:9092,,b:9092", "'' is not host:port"),
        ("COSTGUARD_BROKER_URL", "kafka://a:0", "'a:0' is not host:port"),
        ("COSTGUARD_BROKER_URL", "kafka://a:70000", "'a:70000' is not host:port"),
        ("COSTGUARD_BROKER_URL", "kafka://a:9092/topic", "'a:9092/topic' is not host:port"),
        ("COSTGUARD_REDIS_URL", "localhost:6379", "must be embedded or redis://host:port/database"),
        ("COSTGUARD_REDIS_URL", "redis://", "must be embedded or redis://host:port/database"),
        ("COSTGUARD_REDIS_URL", "redis://cache/first", "the database is a number"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(variable: str, text: str, problem: str) -> None:
    line = refusal({variable: text})
    assert line.startswith(f"{variable}: ")
    assert problem in line


def test_a_bad_flag_is_named_as_it_was_written() -> None:
    assert refusal({}, api_port="http") == "--api-port: 'http' is not a whole number"


def test_one_port_cannot_serve_broker_and_api() -> None:
    line = refusal({"COSTGUARD_API_PORT": "7000", "COSTGUARD_EMBEDDED_BROKER_PORT": "7000"})
    assert line == "COSTGUARD_API_PORT: 7000 is the embedded broker's port too"


@pytest.mark.parametrize(
    ("url", "bootstrap"),
    [
        ("kafka://one:9092", "one:9092"),
        ("kafka://one", "one:9092"),
        ("kafka://one:1,two:2", "one:1,two:2"),
        ("kafka://one:1,kafka://two:2", "one:1,two:2"),
        ("kafka://[::1]:9092", "[::1]:9092"),
    ],
)
def test_brokers_are_host_and_port(url: str, bootstrap: str) -> None:
    settings = load_settings({"COSTGUARD_BROKER_URL": url}, {})
    assert settings.bootstrap == bootstrap
    assert not settings.embedded_broker


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("COSTGUARD_BROKER_URL", "kafka://user:hunter2@broker:9092"),
        ("COSTGUARD_BROKER_URL", "sasl://user:hunter2@broker:9092"),
        ("COSTGUARD_REDIS_URL", "redis://user:hunter2@cache:99999/0"),
        ("COSTGUARD_REDIS_URL", "redis://user:hunter2@cache:6379/zero"),
        ("COSTGUARD_REDIS_URL", "user:hunter2@cache"),
    ],
)
def test_an_error_never_repeats_a_password(variable: str, url: str) -> None:
    assert "hunter2" not in refusal({variable: url})


def test_the_repr_never_shows_the_password_of_redis() -> None:
    settings = load_settings({"COSTGUARD_REDIS_URL": "redis://:hunter2@cache:6379/1"}, {})
    assert settings.redis_url == "redis://:hunter2@cache:6379/1"
    assert "hunter2" not in repr(settings)


@given(
    workers=st.integers(1, 64),
    timeout=st.integers(1, 300) | st.floats(1, 300).map(lambda number: round(number, 3)),
    broker=st.sampled_from(["embedded", "kafka://a:9092,b:9093"]),
    config=st.sampled_from(["", "costguard.toml"]),
)
def test_children_get_the_same_settings_through_their_environment(
    workers: int, timeout: float, broker: str, config: str
) -> None:
    environ = {
        "COSTGUARD_WORKERS": str(workers),
        "COSTGUARD_SESSION_TIMEOUT": str(timeout),
        "COSTGUARD_BROKER_URL": broker,
        "COSTGUARD_CONFIG": config,
        "COSTGUARD_REDIS_URL": "redis://:pw@cache/2",
    }
    settings = load_settings(environ, {})
    assert load_settings(settings.as_environment(), {}) == settings


def test_a_variable_that_nobody_reads_is_told_with_the_nearest_that_somebody_does() -> None:
    lines = unknown_variables({"COSTGUARD_WORKER": "2", "COSTGUARD_WORKERS": "2", "HOME": "/"})
    assert lines == ["COSTGUARD_WORKER: not a setting; did you mean COSTGUARD_WORKERS?"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_needs_no_tokens(host: str) -> None:
    check_exposure(load_settings({"COSTGUARD_API_HOST": host}, {}), Configuration())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "costguard.example.com", "::ffff:10.0.0.1"])
def test_another_address_is_refused_until_tokens_are_configured(host: str) -> None:
    settings = load_settings({"COSTGUARD_API_HOST": host}, {})
    with pytest.raises(SettingsError, match=r"^COSTGUARD_API_HOST: .* can be reached from other machines"):
        check_exposure(settings, Configuration())
    check_exposure(settings, Configuration(tokens=(CI,)))
