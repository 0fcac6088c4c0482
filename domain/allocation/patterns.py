"""Which charges and which usage a rule means: names with patterns.

A pattern is as in file names (`*`, `?`); `!` before it excludes. A name is met when one of its patterns fits and
none that excludes does; patterns that only exclude let everything else pass. All names must be met.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOT: Final = "!"


class Pattern(NamedTuple):
    """What values of one name are meant."""

    name: str
    including: tuple[str, ...] = ()
    excluding: tuple[str, ...] = ()

    def fits(self, value: str) -> bool:
        """Tell whether a value is meant."""
        if any(fnmatchcase(value, pattern) for pattern in self.excluding):
            return False
        return not self.including or any(fnmatchcase(value, pattern) for pattern in self.including)


def make_pattern(name: str, patterns: Sequence[str]) -> Pattern:
    """Part those that exclude from those that include."""
    return Pattern(
        name,
        tuple(each for each in patterns if not each.startswith(NOT)),
        tuple(each.removeprefix(NOT) for each in patterns if each.startswith(NOT)),
    )


def all_fit(patterns: Sequence[Pattern], values: Mapping[str, str]) -> bool:
    """Tell whether each name is met; a value that is not there is the empty one."""
    return all(pattern.fits(values.get(pattern.name, "")) for pattern in patterns)
