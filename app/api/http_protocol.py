"""HTTP/1.1 for a world that is not kind: Uvicorn's protocol with limits on what a connection may take, and how long.

Uvicorn waits for ever for a request that comes byte by byte, for a body that does not come, and for a client that does
not read its answer; a few hundred such connections use up the files that a process may open.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.api.problems import MEDIA_TYPE, Problem, document

if TYPE_CHECKING:
    import asyncio

MAX_CONNECTIONS: Final = 500
# Request line and headers together.
MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_SECONDS: Final = 10.0
# 8 MiB in it are 140 kB/s.
BODY_SECONDS: Final = 60.0
# For what the kernel and our own buffer do not take of an answer.
ANSWER_SECONDS: Final = 60.0

_HEAD: Final = "head"
_BODY: Final = "body"


class BoundedProtocol(HttpToolsProtocol):
    """One connection; what is over a limit is told as a problem document, where it still can be, and closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stage: str | None = None
        self._awaited: str | None = None
        self._head_bytes = 0
        self._deadline: asyncio.TimerHandle | None = None
        self._answer_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless there are too many already."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._end(HTTPStatus.SERVICE_UNAVAILABLE, f"more than {MAX_CONNECTIONS} connections; try again")
            return
        self._await_more()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for handle in (self._deadline, self._answer_deadline):
            if handle is not None:
                handle.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take more of a request."""
        if self.transport.is_closing():
            return
        if self._stage != _BODY:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._stage == _HEAD and self._head_bytes > MAX_HEAD_BYTES:
            detail = f"request line and headers have at most {MAX_HEAD_BYTES:,} bytes"
            self._end(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
        elif not self.transport.is_closing():
            self._await_more()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._stage = _HEAD

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        super().on_headers_complete()
        self._stage, self._head_bytes = _BODY, 0

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        self._stage = None

    def pause_writing(self) -> None:
        """Wait for a client that reads slowly, but not for ever."""
        super().pause_writing()
        if self._answer_deadline is None:
            self._answer_deadline = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        if self._answer_deadline is not None:
            self._answer_deadline.cancel()
            self._answer_deadline = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._end(HTTPStatus.BAD_REQUEST, msg)

    def _await_more(self) -> None:
        """Set a deadline for what is awaited of the client; more of the same does not prolong it."""
        awaited = self._stage or (None if self._is_answering() else _HEAD)
        if awaited == self._awaited:
            return
        self._awaited = awaited
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if awaited is not None:
            seconds = BODY_SECONDS if awaited == _BODY else HEAD_SECONDS
            self._deadline = self.loop.call_later(seconds, self._give_up, awaited)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _give_up(self, awaited: str) -> None:
        self._end(HTTPStatus.REQUEST_TIMEOUT, f"the {awaited} of the request did not come in time")

    def _end(self, status: HTTPStatus, detail: str) -> None:
        """Close the connection, and say why unless an answer to the request has begun."""
        if self.transport.is_closing():
            return
        has_begun = self._stage == _BODY and self.cycle.response_started
        if not has_begun and not (self._stage == _HEAD and self._is_answering()):
            body = document(Problem(status, detail))
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
                f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()
