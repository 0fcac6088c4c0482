"""Which processes make up a system, and what each is told: a function of the settings and of what is to run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.supervisor.child import Spec, python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.adapters.loopback import Program
    from app.settings import Settings

# `python -m app` has to find this `app`, wherever `up` was started and whatever lies there.
_PROJECT: Final = Path(__file__).parents[2]


def with_engines(settings: Settings, redis_url: str) -> Settings:
    """Return the settings of the children: where the engines listen, instead of `embedded`."""
    return replace(
        settings,
        broker_url=f"kafka://{settings.bootstrap}",
        redis_url=redis_url,
        broker_is_embedded=settings.embedded_broker,
    )


def engine(settings: Settings, name: str, program: Program) -> Spec:
    """Return how to run an embedded server."""
    return Spec(name, program, _log(settings, name), settings.data_dir)


def programs(settings: Settings, inherited: Mapping[str, str], *, imports: bool = False) -> list[Spec]:
    """Return the API, the effects, so many workers and, if there are folders of bills, the importer.

    They inherit the environment and get our settings.
    """
    # Unbuffered: what a child says last is what stands last in its log.
    environment = {**inherited, **settings.as_environment(), "PYTHONUNBUFFERED": "1"}
    commands: dict[str, tuple[str, ...]] = {"api": ("api",), "effects": ("effects",)}
    for index in range(settings.workers):
        commands[f"worker-{index}"] = ("worker", "--index", str(index))
    if imports:
        commands["importer"] = ("importer",)
    return [
        Spec(name, python("app", *command, environment=environment), _log(settings, name), _PROJECT)
        for name, command in commands.items()
    ]


def _log(settings: Settings, name: str) -> Path:
    return settings.data_dir / "logs" / f"{name}.log"
