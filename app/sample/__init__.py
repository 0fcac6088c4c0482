"""A believable company's usage for one month, made from a seed: the same seed gives the same bytes.

Pure: no clock, file or network. `generate` yields what arrives, in the order in which it arrives, with the
trouble that real pipelines have: late, repeated, unlabelled, unpriced and broken events, and one feature that
runs away.
"""

from app.sample.generator import RUNAWAY, Emission, generate
from app.sample.trouble import Trouble

__all__ = ["RUNAWAY", "Emission", "Trouble", "generate"]
