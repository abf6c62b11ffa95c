"""Texts: only what does not hang on tables of letters or on kinds of patterns, of which engines have their own."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from segmentation.core.evaluation.values import NULL, Typed, Unknown, strict

# Of patterns: what means the same to all engines.
PLAIN = re.compile(r"(?:[\w .,:;@#=~<>/'\"!%&-]|[\^$.|*+?()\[\]]|\\[.^$|*+?()\[\]\\/-])*\Z", re.ASCII)
SPECIAL = re.compile(r"\(\?|[*+?]{2}|\[\[|&&|\[:|--|~~|\A[*+?]|[(|][*+?]")


def _function(kind: str, function: Callable[..., Any], least: int, most: int | None = None) -> Callable[..., Typed]:
    def build(*args: Typed) -> Typed:
        if not least <= len(args) <= (most or least) or any(one.kind not in ("string", NULL) for one in args):
            raise Unknown(f"a function of texts of {', '.join(one.kind for one in args)}")
        return strict(kind, function, args)

    return build


def _in_ascii(function: Callable[[str], str]) -> Callable[[str], str]:
    def change(text: str) -> str:
        if not text.isascii():
            raise Unknown(f"the letters of {text!r}")
        return function(text)

    return change


def _like(text: str, pattern: str) -> bool:
    if "\\" in pattern:
        raise Unknown(f"the pattern {pattern!r}")
    parts = [{"%": ".*", "_": "."}.get(mark, re.escape(mark)) for mark in pattern]
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _found(text: str, pattern: str) -> bool:
    if not PLAIN.match(pattern) or SPECIAL.search(pattern) or "\n" in text or "\r" in text:
        raise Unknown(f"the pattern {pattern!r}")
    try:
        return re.search(pattern, text) is not None
    except re.error:
        raise Unknown(f"the pattern {pattern!r}") from None


def _part(text: Typed, start: Typed, length: Typed) -> Typed:
    if text.kind != "string" or {start.kind, length.kind} != {"int"}:
        raise Unknown(f"a part of {text.kind}")
    return strict("string", _cut, [text, start, length])


def _cut(text: str, start: int, length: int) -> str:
    """Places count from 1."""
    if start < 1 or length < 0:
        raise Unknown(f"what is cut from {start}")
    return text[start - 1 : start - 1 + length]


def _joined(*texts: str) -> str:
    return "".join(texts)


_length = _function("int", len, 1)
_starts, _ends = _function("boolean", str.startswith, 2), _function("boolean", str.endswith, 2)
TEXTS: Mapping[str, Callable[..., Typed]] = {
    "startswith": _starts,
    "endswith": _ends,
    "contains": _function("boolean", operator.contains, 2),
    "like": _function("boolean", _like, 2),
    "rlike": _function("boolean", _found, 2),
    "upper": _function("string", _in_ascii(str.upper), 1),
    "lower": _function("string", _in_ascii(str.lower), 1),
    "trim": _function("string", lambda text: text.strip(" "), 1),
    "btrim": _function("string", str.strip, 2),
    "ltrim": _function("string", lambda text: text.lstrip(" "), 1),
    "rtrim": _function("string", lambda text: text.rstrip(" "), 1),
    "length": _length,
    "char_length": _length,
    "concat": _function("string", _joined, 1, 100),
    "substr": _part,
    "substring": _part,
}
