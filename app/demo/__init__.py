"""`costguard demo`: the whole system on one machine, a month of a sample company played through it, and the tale.

What is printed was read back from the running system (its API and the webhooks it sent) and is checked against
an independent recomputation from the events; `run` says with its exit code whether everything adds up.
"""

from app.demo.run import DemoFailedError, Options, run

__all__ = ["DemoFailedError", "Options", "run"]
