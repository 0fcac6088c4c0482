"""Apache Kafka for the tests: nodes without ZooKeeper (KRaft), the first one controller, too, in memory-poor settings.

`pom.xml` beside this pins the version; `mvn` fetches the jars once into `.cache/kafka/<digest of the pom>`.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.live.servers.process import LOOPBACK, Server, ServerFailedError, free_port

POM: Final = Path(__file__).with_name("pom.xml")
LOG4J: Final = Path(__file__).with_name("log4j2.properties")
CACHE: Final = Path(__file__).parents[3] / ".cache" / "kafka"
FETCH_SECONDS: Final = 600
# A short-lived server: compile little, collect simply.
JVM: Final = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# An event may have 8 MiB; a record around it needs some more.
MAX_MESSAGE_BYTES: Final = 9 * 1024 * 1024
CONTROLLER_NODE: Final = 1


def jars() -> Path:
    """Return the directory of Kafka's jars, fetching them first if need be. Raises `ServerFailedError`."""
    directory = CACHE / hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / ".lock").open("w") as lock:
        # Tests run in several processes, and all of them want it at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.exists():
            _fetch(directory)
    return directory


def _fetch(directory: Path) -> None:
    for tool in ("java", "mvn"):
        if shutil.which(tool) is None:
            raise ServerFailedError(f"Apache Kafka needs {tool}; install Java 17 and Maven (openjdk-17-jre, maven)")
    # Whole or not at all: an interrupted fetch leaves nothing that looks like a cache.
    draft = directory.with_name(f".{directory.name}.{os.getpid()}")
    command = ("mvn", "-B", "-q", "-f", str(POM), "dependency:copy-dependencies")
    fetched = subprocess.run(
        (*command, "-DincludeScope=runtime", f"-DoutputDirectory={draft}"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=FETCH_SECONDS,
        check=False,
    )
    if fetched.returncode != 0:
        raise ServerFailedError(f"cannot fetch Apache Kafka's jars:\n{fetched.stdout[-2000:]}")
    draft.rename(directory)


def prepare(directory: Path) -> Server:
    """Return a Kafka server with a formatted log directory below `directory`, on free ports of loopback."""
    return cluster(directory, brokers=1)[0]


def cluster(directory: Path, *, brokers: int) -> list[Server]:
    """Return the servers of one cluster; the first is its controller, too, and has to be started first."""
    controller = free_port()
    # The first bits are zero: an identity that begins with a dash would be taken for an option.
    identity = base64.urlsafe_b64encode(b"\0" + os.urandom(15)).decode().rstrip("=")
    return [_formatted(directory / f"node-{node}", node, controller, identity) for node in range(1, brokers + 1)]


def _formatted(directory: Path, node: int, controller: int, identity: str) -> Server:
    directory.mkdir(parents=True)
    port = free_port()
    properties = directory / "server.properties"
    properties.write_text(_properties(directory / "log", node, port, controller))
    java = ("java", *JVM, f"-Dlog4j2.configurationFile={LOG4J}", "-cp", f"{jars()}/*")
    formatting = subprocess.run(
        (*java, "kafka.tools.StorageTool", "format", "-t", identity, "-c", str(properties)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if formatting.returncode != 0:
        raise ServerFailedError(f"cannot format Kafka's storage:\n{formatting.stdout}{formatting.stderr}")
    return Server("kafka", (*java, "kafka.Kafka", str(properties)), port, directory)


def _properties(logs: Path, node: int, port: int, controller: int) -> str:
    broker = f"PLAINTEXT://{LOOPBACK}:{port}"
    settings = {
        "process.roles": "broker,controller" if node == CONTROLLER_NODE else "broker",
        "node.id": node,
        "controller.quorum.voters": f"{CONTROLLER_NODE}@{LOOPBACK}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{broker},CONTROLLER://{LOOPBACK}:{controller}" if node == CONTROLLER_NODE else broker,
        "advertised.listeners": broker,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": logs,
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "replica.fetch.max.bytes": MAX_MESSAGE_BYTES,
        "offsets.topic.num.partitions": 1,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        # Compaction is waited for by a test.
        "log.cleaner.backoff.ms": 500,
    }
    return "".join(f"{key}={value}\n" for key, value in settings.items())
