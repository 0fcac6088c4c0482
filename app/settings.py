"""What `costguard` is told by its environment and by flags; the only module that reads `os.environ`.

A flag of `up` wins over the environment, which wins over the default. An empty variable counts as unset.
Whatever is wrong is a `SettingsError`: one line that names the variable or the flag. The file that
`COSTGUARD_CONFIG` names is read by `app.configuration`.
"""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app import settings_values as values
from app.access_tokens import Token
from app.configuration import Configuration, load_configuration
from app.typed_toml import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Configuration",
    "Settings",
    "SettingsError",
    "Token",
    "check_exposure",
    "from_environment",
    "load_configuration",
    "load_settings",
    "other_environment",
    "unknown_variables",
]

PREFIX: Final = "COSTGUARD_"
EMBEDDED: Final = "embedded"
DEFAULTS: Final = {
    "broker_url": EMBEDDED,
    "redis_url": EMBEDDED,
    "data_dir": "var",
    "api_host": "127.0.0.1",
    "api_port": "8000",
    "workers": "1",
    "embedded_broker_port": "19092",
    "config": "",
    "topic_prefix": "",
    "partitions": "4",
    "replication": "1",
    "standby_replicas": "0",
    "session_timeout": "10",
    "log_level": "info",
    # Set by `up` for its children: the broker behind the URL is the embedded one, with its peculiarities.
    "broker_is_embedded": "false",
}


# `COSTGUARD_TOKEN`: what commands show to the API.
READ_BY_COMMANDS: Final = ("token",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One value per variable of docs/configuration.md; paths are absolute, `session_timeout` is in seconds.

    `redis_url` may hold a password and is kept out of the repr.
    """

    broker_url: str
    redis_url: str = field(repr=False)
    data_dir: Path
    api_host: str
    api_port: int
    workers: int
    embedded_broker_port: int
    config_path: Path | None
    topic_prefix: str
    partitions: int
    replication: int
    standby_replicas: int
    session_timeout: float
    log_level: str
    broker_is_embedded: bool = False

    @property
    def embedded_broker(self) -> bool:
        """Tell whether the broker is the embedded one, be it still to start or behind `broker_url`."""
        return self.broker_is_embedded or self.starts_broker

    @property
    def starts_broker(self) -> bool:
        """Tell whether `up` starts the broker."""
        return self.broker_url == EMBEDDED

    @property
    def starts_redis(self) -> bool:
        """Tell whether `up` starts Redis."""
        return self.redis_url == EMBEDDED

    @property
    def bootstrap(self) -> str:
        """The brokers as `host:port,...`; where the embedded one listens, if that is meant."""
        if self.starts_broker:
            return f"127.0.0.1:{self.embedded_broker_port}"
        return self.broker_url.removeprefix(values.KAFKA_SCHEME)

    @property
    def view_prefix(self) -> str:
        """What every key in Redis starts with."""
        return f"costguard:{self.topic_prefix}"

    def as_environment(self) -> dict[str, str]:
        """Return the variables from which `load_settings` makes equal settings; holds the Redis password."""
        texts = {name: getattr(self, "config_path" if name == "config" else name) for name in DEFAULTS}
        return {_variable(name): str(text) for name, text in texts.items() if text not in (None, "")}


def load_settings(environ: Mapping[str, str], overrides: Mapping[str, str | None]) -> Settings:
    """Make settings of the environment and of flags, which are named as in `DEFAULTS`; None is not given.

    Raises `SettingsError` for the first value that cannot be used.
    """
    given = {name: _given(name, environ, overrides) for name in DEFAULTS}
    settings = Settings(
        broker_url=values.broker_url(*given["broker_url"]),
        redis_url=values.redis_url(*given["redis_url"]),
        data_dir=Path(given["data_dir"][1]).expanduser().absolute(),
        api_host=values.host(*given["api_host"]),
        api_port=values.port(*given["api_port"]),
        workers=values.whole(*given["workers"], 1, 64),
        embedded_broker_port=values.port(*given["embedded_broker_port"]),
        config_path=Path(given["config"][1]).expanduser().absolute() if given["config"][1] else None,
        topic_prefix=values.topic_prefix(*given["topic_prefix"]),
        partitions=values.whole(*given["partitions"], 1, 1024),
        replication=values.whole(*given["replication"], 1, 9),
        standby_replicas=values.whole(*given["standby_replicas"], 0, 8),
        session_timeout=values.seconds(*given["session_timeout"], 1, 300),
        log_level=values.choice(*given["log_level"], ("debug", "info", "warning", "error")),
        broker_is_embedded=values.choice(*given["broker_is_embedded"], ("true", "false")) == "true",
    )
    if settings.starts_broker and settings.embedded_broker_port == settings.api_port:
        raise SettingsError(given["api_port"][0], f"{settings.api_port} is the embedded broker's port too")
    return settings


def from_environment(overrides: Mapping[str, str | None] | None = None) -> Settings:
    """Make the settings of this process."""
    return load_settings(os.environ, overrides or {})


def other_environment() -> dict[str, str]:
    """Return this process' environment without our variables: what children inherit beside settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return a line for each variable that starts like ours and that nobody reads: probably a typo."""
    known = {_variable(name): name for name in (*DEFAULTS, *READ_BY_COMMANDS)}
    names = sorted(os.environ if environ is None else environ)
    return [
        f"{name}: not a setting{_suggested(name)}" for name in names if name.startswith(PREFIX) and name not in known
    ]


def _suggested(variable: str) -> str:
    # Without the prefix: with it, any two are alike.
    near = difflib.get_close_matches(variable.removeprefix(PREFIX).lower(), DEFAULTS, n=1, cutoff=0.6)
    return f"; did you mean {_variable(near[0])}?" if near else "; see docs/configuration.md"


def check_exposure(settings: Settings, configuration: Configuration) -> None:
    """Refuse to be reachable from other machines while nobody has to show a token."""
    if not configuration.tokens and not values.is_loopback(settings.api_host):
        raise SettingsError(
            _variable("api_host"),
            f"{settings.api_host} can be reached from other machines; configure [tokens], or use 127.0.0.1",
        )


def _given(name: str, environ: Mapping[str, str], overrides: Mapping[str, str | None]) -> tuple[str, str]:
    """Return what to call the setting in an error, and its text."""
    flag = overrides.get(name)
    if flag is not None:
        return f"--{name.replace('_', '-')}", flag
    return _variable(name), environ.get(_variable(name), "") or DEFAULTS[name]


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"
