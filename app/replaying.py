"""The `replay` command at work: find the system, send the files with a progress bar, wait for the tables."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from app import folded
from app.adapters.bulk_producer import BulkProducer, KafkaError
from app.adapters.redis_view import RedisError, RedisView
from app.replay import LineReader, Sent, send_files
from app.runtime import Runtime, read_runtime
from app.settings import EMBEDDED
from app.topics import MAX_RECORD_BYTES, Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

    from app.settings import Settings


class ReplayFailedError(Exception):
    """Broker or Redis failed, or the workers stood still; one line for the person who asked."""


def find_runtime(settings: Settings) -> Runtime:
    """Return where the system listens: the configured URLs, or what `up` left in the data directory.

    Raises `NotRunningError`.
    """
    if EMBEDDED not in (settings.broker_url, settings.redis_url):
        return Runtime(settings.bootstrap, settings.redis_url, "", settings.topic_prefix, settings.view_prefix)
    return read_runtime(settings.data_dir)


async def replay_files(
    files: Sequence[str],
    runtime: Runtime,
    *,
    reader: LineReader,
    size: int | None,
    wait: bool,
    console: Console,
) -> Sent:
    """Send the files and, with `wait`, return once they are folded. Raises `ReplayFailedError`."""
    try:
        sent = await _send(files, runtime, reader, size, console)
        if wait:
            await _wait(runtime, sent, console)
    except KafkaError as error:
        raise ReplayFailedError(f"broker {runtime.broker}: {error}") from error
    except (RedisError, OSError) as error:
        # Not the URL: it may hold a password.
        raise ReplayFailedError(f"Redis: {error}") from error
    except folded.NotFoldedError as error:
        raise ReplayFailedError(str(error)) from error
    return sent


async def _send(files: Sequence[str], runtime: Runtime, reader: LineReader, size: int | None, console: Console) -> Sent:
    producer = BulkProducer(runtime.broker, Topics(runtime.topic_prefix).usage_metered)
    await producer.start()
    try:
        with _bar(console, "sending", size) as advance:
            sent = await send_files(
                files,
                producer,
                reader,
                max_bytes=MAX_RECORD_BYTES,
                on_read=lambda read, _records: advance(read),
            )
    finally:
        await producer.stop()
    console.print(f"sent {sent.records:,} {'event' if sent.records == 1 else 'events'}", highlight=False)
    if reader.undated:
        name = "names" if reader.undated == 1 else "name"
        console.print(
            f"{reader.undated:,} of them {name} neither id nor time: the same lines in another replay count once",
            highlight=False,
        )
    _tell_of_unusable(reader, console)
    return sent


def _tell_of_unusable(reader: LineReader, console: Console) -> None:
    if not reader.unusable:
        return
    console.print(f"{reader.unusable:,} of them cannot be used and cost nothing:")
    for reason in reader.reasons:
        console.print(f"  {reason}")
    if reader.unusable > len(reader.reasons):
        console.print(f"  and {reader.unusable - len(reader.reasons):,} more")
    console.print("all are in dead-letter, and the newest in `costguard dead-letters`")


async def _wait(runtime: Runtime, sent: Sent, console: Console) -> None:
    view = RedisView.connect(runtime.redis, runtime.view_prefix)

    async def read() -> Mapping[str, bytes]:
        return await view.documents("progress")

    try:
        with console.status("folding") as status:
            await folded.wait_until_folded(
                read,
                sent.last_offsets,
                on_progress=lambda now: status.update(f"folding, {now.behind:,} to go"),
            )
    finally:
        await view.close()
    console.print("folded into the tables", highlight=False)


@contextmanager
def _bar(console: Console, name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=total)
        yield lambda read: progress.advance(task, read)
