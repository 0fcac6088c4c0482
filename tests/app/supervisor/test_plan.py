from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from app.adapters import embedded_broker, embedded_redis
from app.settings import load_settings
from app.supervisor import plan

if TYPE_CHECKING:
    from app.settings import Settings

ROLES = ("worker", "effects", "api", "lake")


def settings(**environ: str) -> Settings:
    return load_settings({f"COSTGUARD_{name.upper()}": value for name, value in environ.items()}, {})


def test_each_program_names_its_role_and_no_other() -> None:
    specs = plan.programs(settings(workers="2"), {})
    arguments = {spec.name: " ".join(spec.program.arguments[1:]) for spec in specs}
    assert list(arguments) == ["api", "effects", "worker-0", "worker-1"]
    for name, line in arguments.items():
        assert [role for role in ROLES if role in line] == [name.partition("-")[0]]


def test_there_is_an_importer_only_when_there_are_folders_of_bills() -> None:
    names = [spec.name for spec in plan.programs(settings(), {}, imports=True)]
    assert names == ["api", "effects", "worker-0", "importer"]


def test_embedded_servers_name_no_role() -> None:
    for program in (embedded_broker.program(1234), embedded_redis.program(1234)):
        assert not [role for role in ROLES if role in " ".join(program.arguments)]


def test_children_are_told_where_the_engines_listen_and_inherit_the_rest() -> None:
    known = plan.with_engines(settings(embedded_broker_port="7777"), "redis://127.0.0.1:7778/0")
    first, *others = plan.programs(known, {"PATH": "/bin"})
    environment = first.program.environment
    assert environment["PATH"] == "/bin"
    assert environment["COSTGUARD_BROKER_URL"] == "kafka://127.0.0.1:7777"
    assert environment["COSTGUARD_REDIS_URL"] == "redis://127.0.0.1:7778/0"
    assert all(other.program.environment == environment for other in others)


@pytest.mark.parametrize("url", ["embedded", "kafka://a:9092"])
def test_children_know_whether_the_broker_is_the_embedded_one(url: str) -> None:
    known = plan.with_engines(settings(broker_url=url), "redis://a/0")
    told = load_settings(plan.programs(known, {})[0].program.environment, {})
    assert told == known
    assert told.embedded_broker == (url == "embedded")
    assert not told.starts_broker


def test_no_two_programs_share_a_log() -> None:
    logs = sorted(spec.log for spec in plan.programs(settings(workers="3"), {}))
    assert all(one != other for one, other in pairwise(logs))
