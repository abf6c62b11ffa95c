"""Floats and doubles -> text, as `core.typed.double_text` and `double_amount_text` have it, a batch at a time.

Sail computes a text anew for each mention of it, of which these expressions have a dozen.
"""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from segmentation.core.typed import EXACT_CENTS

CENTS = pa.decimal128(18, 2)
SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def as_text(values: pa.Array, *, is_amount: bool) -> pa.Array:
    """Shortest texts, written out; amounts of whole cents with two decimals."""
    texts = _written_out(values.cast(pa.string()))
    if not is_amount or not pa.types.is_float64(values.type):
        return texts
    small = pc.if_else(pc.less(pc.abs(values), EXACT_CENTS), values, None)
    cents = pc.round(small, 2).cast(CENTS, safe=False)
    is_all = pc.fill_null(pc.equal(cents.cast(pa.float64()), values), fill_value=False)
    return pc.if_else(is_all, cents.cast(pa.string()), texts)


def _written_out(texts: pa.Array) -> pa.Array:
    """Few have letters, and only these are looked at one by one."""
    is_odd = pc.match_substring_regex(texts, "[a-z]")
    plain = pc.replace_substring_regex(texts, r"\.0+$", "")
    odd = [_plain(text) for text in texts.filter(is_odd).to_pylist()]
    return pc.replace_with_mask(plain, pc.fill_null(is_odd, fill_value=False), pa.array(odd, pa.string()))


def _plain(text: str) -> str:
    return SPECIAL.get(text) or f"{Decimal(text):f}"
