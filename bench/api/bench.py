"""`api`: requests per second and their times, of `GET /costs` over 30 days by two dimensions, with many scopes.

Four clients ask as fast as they are answered. One question is answered from the projection by tenant and feature, one
needs every scope. Every answer has to have the right total, to the last digit.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import httpx
import psutil

from app.adapters.loopback import LOOPBACK, free_port
from app.settings import other_environment
from bench.api.view import write_month
from bench.percentiles import milliseconds
from bench.processes import ROOT
from bench.progress import steps
from bench.servers import Servers, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.options import Options
    from bench.rounds import Figure

QUESTIONS: Final = ("tenant,feature", "feature,service")
CLIENTS: Final = 4
START_SECONDS: Final = 30.0
TIMEOUT_SECONDS: Final = 120.0
VIEW_PREFIX: Final = "costguard:"


@dataclass
class Answers:
    """What came of one question, over all rounds."""

    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    cpu: float = 0.0
    groups: int = 0
    first_seconds: float = 0.0
    first_cpu: float = 0.0


def measure(options: Options) -> Iterator[Figure]:
    """Yield a figure per question."""
    scopes, seconds, rounds = (2_000, 3.0, 1) if options.quick else (20_000, 10.0, 5)
    answers = {question: Answers() for question in QUESTIONS}
    with steps("api", rounds * len(QUESTIONS)) as bar, servers(options.broker) as running, serving(running) as api:
        total = asyncio.run(write_month(running.redis, VIEW_PREFIX, scopes, int(time.time())))
        for question, found in answers.items():
            api.ask_first(question, total, found)
        for number in range(rounds):
            for question, found in answers.items():
                with bar.step(f"round {number + 1}/{rounds} {question}"):
                    asyncio.run(api.ask(question, seconds, total, found))
    for question, found in answers.items():
        yield {
            "figure": f"api/{scopes}-scopes/{question.replace(',', '+')}",
            "requests_per_second": round(median(found.rates), 2),
            **milliseconds(found.seconds),
            "cpu_ms_per_request": round(found.cpu / len(found.seconds) * 1000, 1),
            "first_ms": round(found.first_seconds * 1000),
            "first_cpu_ms": round(found.first_cpu * 1000),
            "requests": len(found.seconds),
            "groups": found.groups,
            "clients": CLIENTS,
        }


@dataclass(frozen=True)
class Api:
    """The API process alone: it is stateless over Redis."""

    base: str
    process: psutil.Process

    def cpu(self) -> float:
        """Return the CPU seconds that it has used."""
        times = self.process.cpu_times()
        return times.user + times.system

    def ask_first(self, question: str, total: Decimal, found: Answers) -> None:
        """Ask what this process was not asked before."""
        used, begun = self.cpu(), time.perf_counter()
        response = httpx.get(f"{self.base}/costs", params=_parameters(question), timeout=TIMEOUT_SECONDS)
        found.first_seconds, found.first_cpu = time.perf_counter() - begun, self.cpu() - used
        found.groups = _check(response, question, total)

    async def ask(self, question: str, seconds: float, total: Decimal, found: Answers) -> None:
        """Ask for so many seconds; answers that are under way are waited for."""
        answered, used, begun = len(found.seconds), self.cpu(), time.perf_counter()
        async with httpx.AsyncClient(base_url=self.base, timeout=TIMEOUT_SECONDS) as client:
            await asyncio.gather(*[_client(client, question, begun + seconds, total, found) for _ in range(CLIENTS)])
        found.rates.append((len(found.seconds) - answered) / (time.perf_counter() - begun))
        found.cpu += self.cpu() - used


async def _client(client: httpx.AsyncClient, question: str, end: float, total: Decimal, found: Answers) -> None:
    while (asked := time.perf_counter()) < end:
        response = await client.get("/costs", params=_parameters(question))
        found.seconds.append(time.perf_counter() - asked)
        found.groups = _check(response, question, total)


def _parameters(question: str) -> dict[str, str]:
    return {"window": "30d", "group_by": question}


def _check(response: httpx.Response, question: str, total: Decimal) -> int:
    """Return how many groups the answer has; its total has to be right."""
    body = response.raise_for_status().json()
    if Decimal(body["total"]) != total:
        raise ValueError(f"{question}: total {body['total']} is not {total}")
    return len(body["groups"])


@contextmanager
def serving(running: Servers) -> Iterator[Api]:
    """Run the API on a free port."""
    base = f"http://{LOOPBACK}:{(port := free_port())}"
    with ExitStack() as stack:
        own = {
            "COSTGUARD_API_PORT": str(port),
            "COSTGUARD_DATA_DIR": stack.enter_context(TemporaryDirectory()),
        }
        process = subprocess.Popen(
            (sys.executable, "-m", "app", "api"),
            cwd=ROOT,
            env={**other_environment(), **running.environment, **own},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        _await(f"{base}/healthz")
        yield Api(base, psutil.Process(process.pid))


def _await(url: str) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return
