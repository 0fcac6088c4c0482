"""`python -m app worker|effects|api|importer`: one process of the system; `costguard up` starts them all."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from app.settings import Settings, SettingsError, from_environment, load_configuration

if TYPE_CHECKING:
    from types import FrameType


def main(arguments: list[str] | None = None) -> int:
    """Run the process that the arguments name; 2 when the configuration is wrong."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("role", choices=["worker", "effects", "api", "importer"])
    parser.add_argument("--index", type=int, default=0, help="number of this process within its role")
    options = parser.parse_args(arguments)
    # Until the process has its own way to end, there is nothing to bring to an end.
    signal.signal(signal.SIGTERM, _end)
    try:
        settings = _with_engines()
        if options.role == "api":
            from app.api.serve import run as serve  # noqa: PLC0415 - a worker need not load the web framework

            serve(settings, load_configuration(settings.config_path))
            return 0
        if options.role == "importer":
            from app.importing import run as import_bills  # noqa: PLC0415 - nobody else reads bills

            return import_bills(settings, load_configuration(settings.config_path))
        from app.main import run  # noqa: PLC0415 - the api need not load Faust

        return run(options.role, settings, options.index)
    except SettingsError as error:
        sys.stderr.write(f"costguard: {error}\n")
        return 2


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _with_engines() -> Settings:
    """Return the settings of a process that joins a system; only `costguard up` starts engines."""
    settings = from_environment()
    for variable, missing in (("BROKER_URL", settings.starts_broker), ("REDIS_URL", settings.starts_redis)):
        if missing:
            raise SettingsError(f"COSTGUARD_{variable}", "embedded engines come with `costguard up`; give a URL")
    return settings


if __name__ == "__main__":
    sys.exit(main())
