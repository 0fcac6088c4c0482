"""Children that die with their parent, even when it is killed and cannot tell them.

Linux does it: a process can ask for a signal when the thread that made it ends. Elsewhere a killed supervisor
leaves its children behind, and the next start says which port is taken.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_SET_PDEATHSIG: Final = 1
# Loaded here: between fork and exec nothing may be imported or opened.
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def tether(parent: int) -> Callable[[], None] | None:
    """Return what the child has to call before it executes its program; `parent` is the caller's process id.

    The child must be made by the parent's main thread: it is a thread's end that is signalled.
    """
    if _LIBC is None:
        return None
    prctl, kill = _LIBC.prctl, int(signal.SIGKILL)

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, kill)
        # The parent may have ended before the request: then nobody will send the signal.
        if os.getppid() != parent:
            os._exit(1)

    return tie
