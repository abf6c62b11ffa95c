"""The number that stands for the name of a file or a collection: names are many bytes and few."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

# The constants of XXH64 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md); the seed is Spark's.
PRIMES = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
SEED = 42
MASK = (1 << 64) - 1


def source_id(name: Column) -> Column:
    """The number of a name, bigint, where the engine computes it."""
    return F.xxhash64(name)


def source_id_of(name: str) -> int:
    """The same number, where no engine is asked: XXH64 of the UTF-8 bytes, as a signed number."""
    data = name.encode()
    one, two, three, four, five = PRIMES
    at, value = _stripes(data)
    value = (value + len(data)) & MASK
    while at + 8 <= len(data):
        value = (_rotated(value ^ _round(0, _number(data, at, 8)), 27) * one + four) & MASK
        at += 8
    if at + 4 <= len(data):
        value = (_rotated(value ^ (_number(data, at, 4) * one & MASK), 23) * two + three) & MASK
        at += 4
    for byte in data[at:]:
        value = _rotated(value ^ (byte * five & MASK), 11) * one & MASK
    value = (value ^ value >> 33) * two & MASK
    value = (value ^ value >> 29) * three & MASK
    value ^= value >> 32
    return value - (1 << 64) if value >> 63 else value


def _stripes(data: bytes) -> tuple[int, int]:
    """Where the stripes of 32 bytes end, and what they make."""
    one, two, _, four, five = PRIMES
    if len(data) < 32:
        return 0, (SEED + five) & MASK
    lanes = [(SEED + start) & MASK for start in (one + two, two, 0, -one)]
    end = len(data) // 32 * 32
    for at in range(0, end, 32):
        lanes = [_round(lane, _number(data, at + 8 * number, 8)) for number, lane in enumerate(lanes)]
    value = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
    for lane in lanes:
        value = ((value ^ _round(0, lane)) * one + four) & MASK
    return end, value


def _round(lane: int, number: int) -> int:
    one, two, *_ = PRIMES
    return _rotated((lane + number * two) & MASK, 31) * one & MASK


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> (64 - bits)) & MASK


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
