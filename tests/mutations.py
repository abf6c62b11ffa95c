"""Damage as it happens to files: bytes that flip, are cut out, come twice; quotes and line ends where none belong."""

from __future__ import annotations

import random

STRANGE = (
    b'"',
    b'""',
    b"\n",
    b"\r\n",
    b"\r",
    b",",
    b";",
    b"\t",
    b" ",
    b"\x00",
    b"\xff",
    b"\xe9",
    b"\xc3",
    b"\xef\xbb\xbf",
    b'="',
)


def damaged(text: bytes, per_thousand: int, seed: int) -> bytes:
    """`text`, with `per_thousand` of its lines damaged at one place each; the same for the same seed."""
    chance = random.Random(seed)
    lines = text.splitlines(keepends=True)
    header, rows = lines[0], lines[1:]
    for number in chance.sample(range(len(rows)), len(rows) * per_thousand // 1000):
        rows[number] = _damaged(rows[number], chance)
    return header + b"".join(rows)


def _damaged(line: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(line))
    kind = chance.randrange(4)
    if kind == 0:
        return line[:at] + bytes([line[at] ^ 1 << chance.randrange(8)]) + line[at + 1 :]
    if kind == 1:
        return line[:at] + line[at + chance.randrange(1, 9) :]
    if kind == 2:
        return line[: at + 1] + line[chance.randrange(at + 1) :]
    return line[:at] + chance.choice(STRANGE) + line[at:]
