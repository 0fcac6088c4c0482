"""Logs as JSON lines on standard error: one object per line, with the process' role, never a secret."""

from __future__ import annotations

import logging
import sys
import time
from typing import Final

import orjson

# What Faust and aiokafka say at INFO about themselves is of interest only when something is wrong.
_CHATTY: Final = (
    "faust",
    "mode",
    "aiokafka",
    "httpx",
    "uvicorn.access",
    "tables.ledger",
    "app.processes",
    "app.heartbeat",
    "app.upkeep",
    "app.view_writer",
    "app.adapters",
)


class JsonFormatter(logging.Formatter):
    """One JSON object per record."""

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "role": self._role,
            "logger": record.name,
            "message": record.getMessage(),
        }
        # What an effect is about: ids that lead from it back to its cause, given as `extra={"about": {...}}`.
        line |= getattr(record, "about", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure_logging(role: str, level: str) -> None:
    """Send every log record of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(role))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.INFO if root.level == logging.DEBUG else logging.WARNING)
