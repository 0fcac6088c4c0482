"""`costguard up`: broker, Redis, workers, effects and API as children of one process that keeps them running.

A child that ends is started again, ever more slowly if it ends at once. Children end with the supervisor,
however it ends. There is no second start of the embedded broker: what it held is gone, so everything stops.
"""

from app.supervisor.engines import SystemFailedError
from app.supervisor.system import Voice, run

__all__ = ["SystemFailedError", "Voice", "run"]
