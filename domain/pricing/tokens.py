"""The classes of LLM tokens: disjoint, each token in exactly one, so that none is billed twice.

Providers report totals that contain each other (cached tokens are part of the input, reasoning of the
output); `disjoint` takes them apart and refuses counts that do not add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import asdict, astuple

from domain.rejection import Rejected

if TYPE_CHECKING:
    from domain.usage import TokenUsage

# `request` counts calls, one a usage: a few models charge for each call besides its tokens.
TOKEN_CLASSES: Final = (
    "input", "cache_read", "cache_write", "cache_write_5m", "cache_write_1h", "input_audio",
    "cache_audio_read", "output", "output_audio", "reasoning", "request",
)  # fmt: skip
# Where a class has no price of its own, the nearest that contains it has it (the unit tree of genai-prices).
FALLBACK: Final = {
    "input": (),
    "cache_read": ("input",),
    "cache_write": ("input",),
    "cache_write_5m": ("cache_write", "input"),
    "cache_write_1h": ("cache_write", "input"),
    "input_audio": ("input",),
    "cache_audio_read": ("cache_read", "input_audio", "input"),
    "output": (),
    "output_audio": ("output",),
    "reasoning": ("output",),
    "request": (),
}


def disjoint(usage: TokenUsage) -> tuple[int, ...] | Rejected:
    """Split reported token counts into the classes of `TOKEN_CLASSES`, in their order.

    The input classes sum to `input_tokens`, the output classes to `output_tokens`, the last is 1 (the call).
    Cache writes reported by lifetime only are their own total. Rejected when a count is negative or parts
    exceed a whole.
    """
    (
        total_in, total_out, read, written, short, long, audio, cached_audio, spoken, reasoning,
    ) = astuple(usage)  # fmt: skip
    if not (read or written or short or long or audio or cached_audio or spoken or reasoning):
        return (total_in, 0, 0, 0, 0, 0, 0, total_out, 0, 0, 1) if total_in >= 0 <= total_out else _explain(usage)
    written = written or short + long
    read -= cached_audio
    audio -= cached_audio
    fresh = total_in - read - audio - cached_audio - written
    untimed = written - short - long
    answered = total_out - spoken - reasoning
    counts = (fresh, read, untimed, short, long, audio, cached_audio, answered, spoken, reasoning, 1)
    # The sign of all of them at once: the bitwise or of whole numbers is negative when any of them is.
    signs = fresh | read | untimed | short | long | audio | cached_audio | answered | spoken | reasoning
    return counts if signs >= 0 else _explain(usage)


def _explain(usage: TokenUsage) -> Rejected:
    for name, count in asdict(usage).items():
        if count < 0:
            return Rejected(f"usage.{name}: {count} is negative")
    if usage.cache_audio_read_tokens > min(usage.cache_read_tokens, usage.input_audio_tokens):
        return Rejected("usage.cache_audio_read_tokens: more than cache_read_tokens or input_audio_tokens")
    timed = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens
    if usage.cache_write_tokens and timed > usage.cache_write_tokens:
        return Rejected("usage.cache_write_tokens: less than its 5m and 1h parts")
    if usage.output_audio_tokens + usage.reasoning_tokens > usage.output_tokens:
        return Rejected("usage.output_tokens: less than its audio and reasoning parts")
    return Rejected("usage.input_tokens: less than its cache and audio parts")
