"""`python -m app worker|effects|api|importer`: one process of the system; `costguard up` starts them all."""

from __future__ import annotations

import argparse
import sys

from app.settings import Settings, SettingsError, from_environment, load_configuration


def main(arguments: list[str] | None = None) -> int:
    """Run the process that the arguments name; 2 when the configuration is wrong."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("role", choices=["worker", "effects", "api", "importer"])
    parser.add_argument("--index", type=int, default=0, help="number of this process within its role")
    options = parser.parse_args(arguments)
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


def _with_engines() -> Settings:
    """Return the settings of a process that joins a system; only `costguard up` starts engines."""
    settings = from_environment()
    for variable, missing in (("BROKER_URL", settings.starts_broker), ("REDIS_URL", settings.starts_redis)):
        if missing:
            raise SettingsError(f"COSTGUARD_{variable}", "embedded engines come with `costguard up`; give a URL")
    return settings


if __name__ == "__main__":
    sys.exit(main())
