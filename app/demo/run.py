"""Running the demo: start, play, wait, read back, check, print; then keep running or stop."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING, Final

from app.adapters.bulk_producer import KafkaError
from app.adapters.redis_view import RedisError
from app.demo.api import Api, ApiFailedError
from app.demo.checks import Check, check
from app.demo.configuration import SECRET, price_book, write_configuration
from app.demo.outcome import caught_up, judged, read_outcome
from app.demo.play import play, settle
from app.demo.progress import stage
from app.demo.receiver import Received, receiver
from app.demo.recomputed import Recomputed
from app.demo.summary import address_lines, show
from app.demo.system import Addresses, SystemFailedError, choose_port, empty_directory, running, wait_ready
from app.folded import NotFoldedError
from app.runtime import NotRunningError, read_runtime
from app.sample import generate
from app.settings import from_environment

if TYPE_CHECKING:
    import subprocess
    from datetime import date
    from pathlib import Path

    from rich.console import Console

FULL_MONTH: Final = 165_000
JUDGED_WITHIN_SECONDS: Final = 300.0
POLL_SECONDS: Final = 0.5
FAILURES: Final = (
    SystemFailedError,
    ApiFailedError,
    NotFoldedError,
    NotRunningError,
    RedisError,
    KafkaError,
    OSError,
)


class DemoFailedError(Exception):
    """The demo could not run, or something does not add up; one message for the person in front of it."""


@dataclass(frozen=True)
class Options:
    """What to play (`start` and `end` are the first days of a month and of the next), and how."""

    start: date
    end: date
    data_dir: Path
    seed: int = 7
    scale: float = 1.0
    once: bool = False

    @property
    def window(self) -> tuple[str, str]:
        """Return the month as the API takes it."""
        return f"{self.start:%Y-%m-%d}T00:00:00Z", f"{self.end:%Y-%m-%d}T00:00:00Z"


def run(options: Options, console: Console) -> None:
    """Run the demo; return when it is over. Raises `DemoFailedError`."""
    settings = from_environment()
    addresses = Addresses(choose_port(settings.api_port), choose_port(settings.embedded_broker_port))
    try:
        empty_directory(options.data_dir)
        # SIGTERM as Ctrl-C: whatever is under way, everything started here is stopped on the way out.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with receiver(SECRET) as (url, received):
            config = write_configuration(options.data_dir, url, options.scale)
            with running(addresses, options.data_dir, config) as child:
                api = Api(addresses.api_port)
                with stage(console, "Starting the system", None):
                    wait_ready(child, api.ready, options.data_dir)
                checks = _tell(options, console, api, received, config)
                if not options.once:
                    console.print("Running until Ctrl-C:")
                    where = address_lines(addresses.api, addresses.broker, options.data_dir, *options.window)
                    console.print(where, highlight=False, soft_wrap=True)
                    _stay(console, child)
    except FAILURES as error:
        raise DemoFailedError(str(error)) from error
    wrong = [claim for claim, holds, _ in checks if not holds]
    if wrong:
        raise DemoFailedError(f"does not add up: {'; '.join(wrong)}")


def _tell(options: Options, console: Console, api: Api, received: Received, config: Path) -> tuple[Check, ...]:
    expected = Recomputed(price_book(config))
    start, end = options.window

    async def act() -> float:
        seconds = await play(
            generate(options.seed, options.start, options.scale),
            expected,
            read_runtime(options.data_dir),
            about=int(FULL_MONTH * options.scale),
            console=console,
        )
        await settle(lambda: caught_up(api.get, received, expected.amounts))
        return seconds

    seconds = asyncio.run(act())
    _look_for_anomalies(console, api, options)
    outcome = read_outcome(api.get, received, start=start, end=end)
    checks = check(outcome, expected)
    title = f"costguard: Northwind, {options.start:%B %Y}, seed {options.seed}"
    show(console, outcome, expected, title=title, checks=checks, seconds=seconds)
    return checks


def _look_for_anomalies(console: Console, api: Api, options: Options) -> None:
    """Wait until every hour but the last is judged: history is, once nothing more of it comes."""
    first = datetime(options.start.year, options.start.month, options.start.day, tzinfo=UTC)
    hours = (options.end - options.start).days * 24 - 1
    until = monotonic() + JUDGED_WITHIN_SECONDS
    with stage(console, "Looking for anomalies", hours, "hours") as advance:
        done = 0
        while done < hours and monotonic() < until:
            reached = judged(api.get)
            done = 0 if reached is None else min(hours, int((reached - first).total_seconds() // 3600))
            advance(done)
            sleep(POLL_SECONDS)
    if done < hours:
        console.print(f"{hours - done} hours are still to be judged: anomalies of those come later, at /anomalies.")


def _stay(console: Console, child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait()
    except KeyboardInterrupt:
        console.print("Stopping ...")
    else:
        raise SystemFailedError(f"costguard up exited with {child.returncode}")
