"""Sums of units per key and minute: the least that a stream processor does, by ours and by everybody else's."""
