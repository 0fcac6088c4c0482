"""The one setting that every contender over librdkafka gets beside what its documentation shows.

librdkafka fetches nothing for a second whenever it has fetched enough, and a fast consumer starves meanwhile: a bare
one was four times slower for it.
"""

from __future__ import annotations

from typing import Final

FETCHING: Final = {"fetch.queue.backoff.ms": "10"}
