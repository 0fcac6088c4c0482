"""How long to wait before a child is started again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Backoff:
    """Doubles from `first` to `longest` seconds; starts over after a life of `healthy` seconds or more."""

    first: float = 0.5
    longest: float = 10.0
    healthy: float = 30.0
    _next: float = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.first

    def after(self, lived: float) -> float:
        """Return the seconds to wait after a child that lived so many."""
        if lived >= self.healthy:
            self._next = self.first
        wait = self._next
        self._next = min(wait * 2, self.longest)
        return wait
