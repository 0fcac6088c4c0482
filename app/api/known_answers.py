"""Answers kept ready as bytes, each with the marks of what it rests upon.

Before one is given, the marks are read again, with how complete the figures are, in one round trip: an answer is never
older than the view. What is saved is everything else: reading the parameters, finding the windows, adding up, writing.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.windows import MINUTE

if TYPE_CHECKING:
    from app.adapters.redis_view import Marks
    from app.api.reading import Settled
    from domain.queries import CostQuery

MAX_KEPT_BYTES: Final = 32 * 1024 * 1024
# Longer ones are asked by nobody twice.
MAX_KEY_BYTES: Final = 4 * 1024
# Of a part or its mark, in a tuple with others.
_MARK_BYTES: Final = 100
_QUESTION_BYTES: Final = 4 * 1024


class Key(NamedTuple):
    """What a question was, to the letter, and whose: `tenants` are those that the caller is bound to."""

    query_string: bytes
    tenants: frozenset[str] | None


class Answer(NamedTuple):
    """Figures as JSON without the last brace, and what they rest upon; `tag` is one of the body's."""

    settled: Settled
    marks: Marks
    body: bytes
    tag: str


class Question(NamedTuple):
    """A question as it is meant in one minute, which relative windows end with."""

    minute: int
    asked: CostQuery
    answer: Answer | None = None

    @property
    def size(self) -> int:
        """Roughly how many bytes it takes."""
        if self.answer is None:
            return _QUESTION_BYTES
        return _QUESTION_BYTES + len(self.answer.body) + _MARK_BYTES * len(self.answer.marks)


class KnownAnswers:
    """Keeps questions with their answers; the least recently used go first."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._kept: OrderedDict[Key, Question] = OrderedDict()
        self._max_bytes = max_bytes
        self.size = 0

    def get(self, key: Key, now: float) -> Question | None:
        """Return a question that was asked in the same minute."""
        question = self._kept.get(key)
        if question is None or question.minute != int(now) // MINUTE:
            return None
        self._kept.move_to_end(key)
        return question

    def put(self, key: Key, question: Question) -> None:
        """Keep a question, with its answer or without, instead of what was known of it."""
        if len(key.query_string) > MAX_KEY_BYTES:
            return
        old = self._kept.pop(key, None)
        self._kept[key] = question
        self.size += question.size - (0 if old is None else old.size)
        while self.size > self._max_bytes:
            _, forgotten = self._kept.popitem(last=False)
            self.size -= forgotten.size
