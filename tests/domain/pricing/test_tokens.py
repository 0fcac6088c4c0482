"""Token classes are disjoint: no token is billed twice, and counts that do not add up are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from domain.pricing import TOKEN_CLASSES, disjoint
from domain.pricing.tokens import FALLBACK
from domain.rejection import Rejected
from domain.usage import TokenUsage

INPUT = TOKEN_CLASSES[: TOKEN_CLASSES.index("output")]
COUNTS = st.integers(0, 10**7)
FIELDS = TokenUsage.__struct_fields__
TOTALS = ("input_tokens", "output_tokens")
# Small enough that parts fit their whole about as often as not.
SMALL = st.integers(0, 9)


def split(**counts: int) -> dict[str, int]:
    found = disjoint(TokenUsage(**counts))
    assert not isinstance(found, Rejected), found.reason
    return {name: count for name, count in zip(TOKEN_CLASSES, found, strict=True) if count}


def test_cached_tokens_are_not_billed_twice() -> None:
    counts = split(input_tokens=1000, cache_read_tokens=700, cache_write_tokens=200, output_tokens=50)
    assert counts == {"input": 100, "cache_read": 700, "cache_write": 200, "output": 50, "request": 1}


def test_cache_writes_are_split_by_lifetime() -> None:
    counts = split(input_tokens=100, cache_write_tokens=60, cache_write_5m_tokens=20, cache_write_1h_tokens=30)
    assert counts == {"input": 40, "cache_write": 10, "cache_write_5m": 20, "cache_write_1h": 30, "request": 1}


def test_cache_writes_reported_by_lifetime_only_are_their_own_total() -> None:
    assert split(input_tokens=100, cache_write_1h_tokens=30) == {"input": 70, "cache_write_1h": 30, "request": 1}


def test_cached_audio_is_neither_plain_audio_nor_plain_cache() -> None:
    counts = split(input_tokens=100, cache_read_tokens=30, input_audio_tokens=40, cache_audio_read_tokens=10)
    assert counts == {"input": 40, "cache_read": 20, "input_audio": 30, "cache_audio_read": 10, "request": 1}


def test_reasoning_and_audio_are_part_of_the_output() -> None:
    counts = split(output_tokens=100, reasoning_tokens=60, output_audio_tokens=30)
    assert counts == {"output": 10, "reasoning": 60, "output_audio": 30, "request": 1}


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ({"input_tokens": 10, "cache_read_tokens": 11}, "input_tokens"),
        ({"input_tokens": 10, "cache_read_tokens": 6, "cache_write_tokens": 5}, "input_tokens"),
        ({"input_tokens": 9, "cache_write_tokens": 5, "cache_write_1h_tokens": 6}, "cache_write_tokens"),
        ({"input_tokens": 9, "cache_read_tokens": 1, "cache_audio_read_tokens": 2}, "cache_audio_read_tokens"),
        ({"input_tokens": 9, "input_audio_tokens": 10}, "input_tokens"),
        ({"output_tokens": 10, "reasoning_tokens": 11}, "output_tokens"),
        ({"output_tokens": 10, "reasoning_tokens": 6, "output_audio_tokens": 5}, "output_tokens"),
        ({"input_tokens": -1}, "input_tokens: -1 is negative"),
        ({"output_tokens": -1}, "output_tokens: -1 is negative"),
        ({"input_tokens": 5, "cache_read_tokens": -1}, "cache_read_tokens: -1 is negative"),
    ],
)
def test_parts_beyond_the_whole_and_negative_counts_are_rejected_with_the_name(
    counts: dict[str, int], word: str
) -> None:
    found = disjoint(TokenUsage(**counts))
    assert isinstance(found, Rejected)
    assert found.reason.startswith(f"usage.{word}")


def adds_up(usage: TokenUsage) -> bool:
    written = usage.cache_write_tokens or usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    heard_or_read = usage.cache_read_tokens + usage.input_audio_tokens - usage.cache_audio_read_tokens
    return (
        usage.cache_audio_read_tokens <= min(usage.cache_read_tokens, usage.input_audio_tokens)
        and usage.cache_write_5m_tokens + usage.cache_write_1h_tokens <= written
        and heard_or_read + written <= usage.input_tokens
        and usage.output_audio_tokens + usage.reasoning_tokens <= usage.output_tokens
    )


@given(st.builds(TokenUsage, **{**dict.fromkeys(FIELDS, SMALL), **dict.fromkeys(TOTALS, st.integers(0, 40))}))
def test_the_classes_sum_to_what_was_reported_and_what_does_not_add_up_is_rejected(usage: TokenUsage) -> None:
    found = disjoint(usage)
    assert isinstance(found, Rejected) is not adds_up(usage)
    if not isinstance(found, Rejected):
        counts = dict(zip(TOKEN_CLASSES, found, strict=True))
        assert min(counts.values()) >= 0
        assert sum(counts[name] for name in INPUT) == usage.input_tokens
        assert counts["output"] + counts["output_audio"] + counts["reasoning"] == usage.output_tokens
        assert counts["request"] == 1


@given(st.lists(COUNTS, min_size=len(TOKEN_CLASSES) - 1, max_size=len(TOKEN_CLASSES) - 1))
def test_what_disjoint_classes_add_up_to_splits_into_them_again(counts: list[int]) -> None:
    fresh, read, written, short, long, audio, cached_audio, output, spoken, reasoning = counts
    usage = TokenUsage(
        input_tokens=fresh + read + written + short + long + audio + cached_audio,
        output_tokens=output + spoken + reasoning,
        cache_read_tokens=read + cached_audio,
        cache_write_tokens=written + short + long,
        cache_write_5m_tokens=short,
        cache_write_1h_tokens=long,
        input_audio_tokens=audio + cached_audio,
        cache_audio_read_tokens=cached_audio,
        output_audio_tokens=spoken,
        reasoning_tokens=reasoning,
    )
    assert disjoint(usage) == (*counts, 1)


@given(st.builds(TokenUsage, **dict.fromkeys(FIELDS, COUNTS)), st.sampled_from(FIELDS), st.integers(max_value=-1))
def test_any_negative_count_is_rejected(usage: TokenUsage, name: str, count: int) -> None:
    assert isinstance(disjoint(TokenUsage(**{**asdict(usage), name: count})), Rejected)


def test_every_class_falls_back_to_classes_only() -> None:
    assert set(FALLBACK) == set(TOKEN_CLASSES)
    assert {name for names in FALLBACK.values() for name in names} <= set(TOKEN_CLASSES)
