"""How the export writes text, known to whoever writes it and to whoever looks something up in it."""

from __future__ import annotations

import json

# RFC 8259, section 7: what must be escaped in a string, and its short form where there is one.
SHORT = {"\\": "\\\\", '"': '\\"', "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
ESCAPES = {**SHORT, **{chr(code): f"\\u{code:04X}" for code in range(32) if chr(code) not in SHORT}}
HEAD, MIDDLE = '{"customer_id":', ',"segmentation":{'
# Before the first element, between two, and behind the last.
FRAMED = ("[\n", ",\n", "\n]\n")
# Around the id of an element.
START, STOP = (HEAD + '"').encode(), ('"' + MIDDLE).encode()
_TABLE = str.maketrans(ESCAPES)


def escaped(text: str) -> str:
    """Text -> what stands between the quotes of a JSON string of the export."""
    return text.translate(_TABLE)


def id_of(element: bytes) -> bytes | None:
    """The id that an element is of, as it is sorted by; None where it is no element."""
    raw, stop, _ = element[len(START) :].partition(STOP)
    if not stop:
        return None
    return raw if b"\\" not in raw else str(json.loads(b'"' + raw + b'"')).encode()
